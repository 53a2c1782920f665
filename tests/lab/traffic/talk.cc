#include "tests/lab/traffic/talk.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace arctic::traffic {
namespace {

constexpr std::size_t kScratch = 262144;
// Then the other direction has its turn, however fast this one is.
constexpr unsigned kPiecesAtOnce = 8;
std::chrono::nanoseconds longest_wait = std::chrono::seconds(30);

/// Used between two waits only.
ByteSpan scratch() {
  static thread_local std::vector<std::uint8_t> bytes(kScratch);
  return bytes;
}

Watched::Time deadline(const Watched& socket) { return socket.loop().now() + longest_wait; }

}  // namespace

const char* to_string(End end) {
  switch (end) {
    case End::kFine:
      return "fine";
    case End::kEof:
      return "eof";
    case End::kEarlyEof:
      return "early_eof";
    case End::kReset:
      return "reset";
    case End::kPipe:
      return "pipe";
    case End::kRefused:
      return "refused";
    case End::kTimeout:
      return "timeout";
    case End::kUnreachable:
      return "unreachable";
    case End::kOther:
      break;
  }
  return "other";
}

End end_of(int error) {
  switch (error) {
    case 0:
      return End::kFine;
    case ECONNRESET:
      return End::kReset;
    case EPIPE:
      return End::kPipe;
    case ECONNREFUSED:
      return End::kRefused;
    case ETIMEDOUT:
      return End::kTimeout;
    case EHOSTUNREACH:
    case ENETUNREACH:
      return End::kUnreachable;
    default:
      return End::kOther;
  }
}

void set_patience(std::chrono::nanoseconds patience) { longest_wait = patience; }
std::chrono::nanoseconds patience() { return longest_wait; }

Task<Connected> connect_to(EventLoop& loop, SocketAddress to) {
  const int fd = begin_connect(to, {});
  if (fd < 0) co_return Connected{nullptr, end_of(-fd)};
  set_no_delay(fd);
  auto made = Watched::make(loop, fd);
  if (!made) co_return Connected{nullptr, End::kOther};
  std::unique_ptr<Watched> socket = std::move(*made);
  socket->full();
  socket->drained();
  const Wake wake = co_await socket->writable(deadline(*socket));
  if (wake != Wake::kReady) co_return Connected{nullptr, End::kTimeout};
  const End end = end_of(connect_error(fd));
  if (end != End::kFine) co_return Connected{nullptr, end};
  co_return Connected{std::move(socket), End::kFine};
}

Task<Got> read_some(Watched& socket, ByteSpan out) {
  for (;;) {
    const Wake wake = co_await socket.readable(deadline(socket));
    if (wake != Wake::kReady) co_return Got{0, End::kTimeout};
    const ssize_t got = ::recv(socket.fd(), out.data(), out.size(), 0);
    if (got > 0) {
      if (static_cast<std::size_t>(got) < out.size() && !socket.hung_up()) socket.drained();
      co_return Got{static_cast<std::size_t>(got), End::kFine};
    }
    if (got == 0) co_return Got{0, End::kEof};
    if (errno == EAGAIN) socket.drained();
    if (errno != EAGAIN && errno != EINTR) co_return Got{0, end_of(errno)};
  }
}

Task<Got> read_whole(Watched& socket, ByteSpan out) {
  std::size_t size = 0;
  while (size < out.size()) {
    const Got got = co_await read_some(socket, out.subspan(size));
    if (got.end != End::kFine) {
      co_return Got{size, got.end == End::kEof ? End::kEarlyEof : got.end};
    }
    size += got.bytes;
  }
  co_return Got{size, End::kFine};
}

namespace {

/// What the kernel takes now; 0 if it takes nothing, negative errno if the connection broke.
ssize_t send_some(Watched& socket, ByteView bytes, Push push) {
  const int flags = MSG_NOSIGNAL | (push == Push::kWithNext ? MSG_MORE : 0);
  const ssize_t sent = ::send(socket.fd(), bytes.data(), bytes.size(), flags);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return -errno;
  if (sent < static_cast<ssize_t>(bytes.size())) socket.full();
  return std::max<ssize_t>(sent, 0);
}

}  // namespace

Task<End> write_whole(Watched& socket, ByteView bytes, Push push) {
  while (!bytes.empty()) {
    const Wake wake = co_await socket.writable(deadline(socket));
    if (wake != Wake::kReady) co_return End::kTimeout;
    const ssize_t sent = send_some(socket, bytes, push);
    if (sent < 0) co_return end_of(static_cast<int>(-sent));
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  co_return End::kFine;
}

Task<End> read_end(Watched& socket) {
  std::uint8_t byte = 0;
  const Got got = co_await read_some(socket, {&byte, 1});
  co_return got.end == End::kFine ? End::kOther : got.end;
}

Task<End> send_stream(Watched& socket, Stream stream) {
  std::uint64_t at = 0;
  unsigned pieces = 0;
  while (at < stream.size) {
    const Wake wake = co_await socket.writable(deadline(socket));
    if (wake != Wake::kReady) co_return End::kTimeout;
    const std::uint64_t left = stream.size - at;
    const std::size_t chunk = std::min<std::uint64_t>({left, stream.chunk, kScratch});
    const ByteSpan bytes = scratch().first(chunk);
    fill(stream.seed, at, bytes);
    const ssize_t sent = send_some(socket, bytes, chunk == left ? Push::kWithNext : Push::kNow);
    if (sent < 0) co_return end_of(static_cast<int>(-sent));
    at += static_cast<std::uint64_t>(sent);
    if (++pieces % kPiecesAtOnce == 0) co_await socket.loop().yield();
  }
  co_return End::kFine;
}

Task<Arrival> receive_stream(Watched& socket, Stream stream) {
  Arrival out;
  Digest digest;
  unsigned pieces = 0;
  while (out.bytes < stream.size) {
    const Wake wake = co_await socket.readable(deadline(socket));
    if (wake != Wake::kReady) {
      out.end = End::kTimeout;
      break;
    }
    // The scratch is other coroutines' too, so the read is made here, behind the wait.
    const std::size_t wanted = std::min<std::uint64_t>(stream.size - out.bytes, kScratch);
    const ssize_t got = ::recv(socket.fd(), scratch().data(), wanted, 0);
    if (got < 0 && errno == EAGAIN) socket.drained();
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) {
      out.end = got == 0 ? End::kEarlyEof : end_of(errno);
      break;
    }
    const ByteView bytes = scratch().first(static_cast<std::size_t>(got));
    out.corrupt = out.corrupt || !matches(stream.seed, out.bytes, bytes);
    digest.add(bytes);
    out.bytes += bytes.size();
    if (++pieces % kPiecesAtOnce == 0) co_await socket.loop().yield();
  }
  out.digest = digest.finish();
  co_return out;
}

Sha256 digest_of(Stream stream) {
  Digest digest;
  for (std::uint64_t at = 0; at < stream.size;) {
    const ByteSpan bytes = scratch().first(std::min<std::uint64_t>(stream.size - at, kScratch));
    fill(stream.seed, at, bytes);
    digest.add(bytes);
    at += bytes.size();
  }
  return digest.finish();
}

// ---- Several at once ----

void Group::add(Task<void> task) {
  ++running_;
  start(run(std::move(task)));
}

Task<void> Group::run(Task<void> task) {
  co_await std::move(task);
  if (--running_ == 0 && waiting_) loop_.resume_soon(waiting_);
}

}  // namespace arctic::traffic
