// How the traffic tool speaks on a socket: coroutines that say how a connection ended, streams of
// checkable bytes, and the order with which a client asks the server for a checked exchange.
//
// Client and server use the same functions. No buffer belongs to a connection, so that thousands
// of them fit. What a wait costs is bounded by the tool's patience.
#pragma once

#include <cstring>
#include <vector>

#include "runtime/io/sockets.h"
#include "tests/lab/traffic/content.h"

namespace arctic::traffic {

/// The kernel tells of a reset once, to whoever asks first: a reader whose connection's writer was
/// told sees an end of file.
enum class End : std::uint8_t {
  kFine,
  kEof,
  kEarlyEof,  ///< an end of file where bytes were still to come
  kReset,
  kPipe,  ///< sent to one that was over
  kRefused,
  kTimeout,
  kUnreachable,
  kOther
};
[[nodiscard]] const char* to_string(End end);
[[nodiscard]] End end_of(int error);

struct Got {
  std::size_t bytes = 0;
  End end = End::kFine;  ///< kFine if there are bytes
};

struct Connected {
  std::unique_ptr<Watched> socket;
  End end = End::kFine;  ///< why there is no socket
};

/// How long any single wait may take. Set once, at the start.
void set_patience(std::chrono::nanoseconds patience);
[[nodiscard]] std::chrono::nanoseconds patience();

[[nodiscard]] Task<Connected> connect_to(EventLoop& loop, SocketAddress to);
/// What there is, at least a byte.
[[nodiscard]] Task<Got> read_some(Watched& socket, ByteSpan out);
/// Fills `out`, or says what came before.
[[nodiscard]] Task<Got> read_whole(Watched& socket, ByteSpan out);
enum class Push : bool { kNow, kWithNext };
/// kWithNext leaves the end of it to the next bytes, or to the FIN, so that they share a segment.
[[nodiscard]] Task<End> write_whole(Watched& socket, ByteView bytes, Push push = Push::kNow);
/// Reads on and expects nothing but the end: kEof, or how it ended; kOther if bytes came.
[[nodiscard]] Task<End> read_end(Watched& socket);

struct Stream {
  std::uint64_t seed = 0;
  std::uint64_t size = 0;
  std::size_t chunk = 65536;  ///< of one write
};
/// The last bytes wait for what comes behind them: write or shut down at once.
[[nodiscard]] Task<End> send_stream(Watched& socket, Stream stream);

/// What has arrived of a stream.
struct Arrival {
  std::uint64_t bytes = 0;
  End end = End::kFine;  ///< kFine: all of it came
  bool corrupt = false;
  Sha256 digest{};
};
[[nodiscard]] Task<Arrival> receive_stream(Watched& socket, Stream stream);
/// Of a stream that arrives whole.
[[nodiscard]] Sha256 digest_of(Stream stream);

// ---- The checked exchange ----

enum class OrderKind : std::uint32_t {
  kBoth = 0x61726374,  ///< both send; the client ends first; a Verdict follows the server's stream
  kServerEnds,         ///< the server ends its stream before the client sends; ask for the verdict
  kServerResets,       ///< the server resets in the middle of both streams
  kAsk                 ///< for the Verdict on the order with this seed
};

/// The first bytes of a connection to the server's `check`.
struct Order {
  OrderKind kind = OrderKind::kBoth;
  std::uint32_t chunk = 65536;
  std::uint64_t seed = 0;
  std::uint64_t up = 0;  ///< bytes, from client to server
  std::uint64_t down = 0;

  [[nodiscard]] Stream up_stream() const { return {seed, up, chunk}; }
  [[nodiscard]] Stream down_stream() const { return {mix(seed), down, chunk}; }
};

/// What the server saw of the client's stream.
struct Verdict {
  std::uint64_t bytes = 0;
  std::uint32_t end = 0;      ///< an End; kEof if all came and then the end
  std::uint32_t corrupt = 0;  ///< 1 if it was
  Sha256 digest{};
};

/// Both run on the same machine: their memory is what goes over the wire.
template <class Plain>
[[nodiscard]] ByteView bytes_in(const Plain& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}
template <class Plain>
[[nodiscard]] ByteSpan room_in(Plain& value) {
  return {reinterpret_cast<std::uint8_t*>(&value), sizeof value};
}

// ---- Several at once ----

/// Coroutines that run beside each other until all have ended. One may wait for them.
class Group {
 public:
  explicit Group(EventLoop& loop) : loop_(loop) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  void add(Task<void> task);
  struct Done {
    Group& group;
    bool await_ready() const { return group.running_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) { group.waiting_ = waiting; }
    void await_resume() const {}
  };
  [[nodiscard]] Done done() { return {*this}; }

 private:
  Task<void> run(Task<void> task);
  EventLoop& loop_;
  std::size_t running_ = 0;
  std::coroutine_handle<> waiting_;
};

/// Writes the result of a task that runs in a group.
template <class T>
[[nodiscard]] Task<void> into(T& result, Task<T> task) {
  result = co_await std::move(task);
}

}  // namespace arctic::traffic
