// The two directions of a plain socket while its connection is relayed.
//
// The relay's. What is read lies in the worker's buffers with gaps for what sealing adds, and is
// sealed in place; what was opened leaves from where it lies in one call. Only what the kernel does
// not take, or a limit holds back, gets memory of its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "runtime/pegasus/limiter.h"
#include "runtime/pegasus/link.h"

namespace arctic {

/// The limits of a service, which the entry holds.
struct ServiceLimits {
  std::shared_ptr<Limiter> to_peer = std::make_shared<Limiter>();
  std::shared_ptr<Limiter> from_peer = std::make_shared<Limiter>();

  void set_rate(std::uint32_t mbps, Watched::Time now) const {
    to_peer->set_rate(mbps, now);
    from_peer->set_rate(mbps, now);
  }
};

/// From the plain socket into records.
class PlainReader {
 public:
  PlainReader(Watched& socket, RelayBuffers& buffers) : socket_(socket), buffers_(buffers) {}

  /// As readv(2): at most `room` bytes, 0 at the end, negative with errno.
  [[nodiscard]] ssize_t read(std::size_t room);
  /// What read() gave, `bytes` of it, as DATA records; OPENED before them if `opened`. nullopt if
  /// the counter is used up. REQUIRES: no wait since read().
  [[nodiscard]] std::optional<ByteView> seal(RecordLayer& records, std::size_t bytes, bool opened);

 private:
  [[nodiscard]] ssize_t read_one(std::size_t room);
  [[nodiscard]] ssize_t read_parts(std::size_t room);

  Watched& socket_;
  RelayBuffers& buffers_;
  bool much_ = false;  ///< the last read filled its room
};

/// From opened records to the plain socket, at the pace of a limit if there is one.
class PlainWriter {
 public:
  static constexpr std::size_t kMostPayloads = 1024;  ///< IOV_MAX

  /// `written`: counts what the kernel took.
  PlainWriter(Watched& socket, Limiter* limit, std::uint64_t& written);

  /// While there is a limit, what is written waits in memory: little of it should be read.
  [[nodiscard]] bool paced() const { return turn_ && turn_->limited(); }

  /// Forgets the payloads of before. To be called before the first add() after a wait.
  void begin() { count_ = 0; }
  /// A payload, which stays where it is. REQUIRES: not full().
  void add(ByteSpan payload);
  [[nodiscard]] bool full() const { return count_ == kMostPayloads; }
  [[nodiscard]] bool empty() const { return count_ == 0; }

  /// Hands over what was added, and keeps what does not go now. False if the socket takes no more,
  /// ever.
  [[nodiscard]] bool write();
  [[nodiscard]] bool has_kept() const { return !kept_.empty(); }
  /// Waits until the kernel has everything. False as write(), and after cancel().
  [[nodiscard]] Task<bool> flush();
  void cancel();

 private:
  [[nodiscard]] ssize_t send_payloads(std::size_t first) const;
  [[nodiscard]] bool write_payloads(std::size_t& first);
  [[nodiscard]] std::size_t skip(std::size_t first, std::size_t bytes);
  void keep(std::size_t first);

  Watched& socket_;
  std::optional<Turn> turn_;
  std::uint64_t& written_;
  std::size_t count_ = 0;
  std::vector<std::uint8_t> kept_;
};

}  // namespace arctic
