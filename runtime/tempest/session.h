// What a handshake made: two keys, two indices, and the counters of both directions.
//
// Workers seal and open with it at the same time, each in a slot of its own, which holds what its
// cipher keeps between packets; the peer says which session is used and when it goes. Knows no
// socket; time is handed in. Reference: WireGuard whitepaper, 5.4.5 and 5.4.6.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "runtime/crypto/aead.h"
#include "runtime/tempest/messages.h"
#include "runtime/tempest/replay.h"

namespace arctic {

class Session {
 public:
  using Time = std::chrono::nanoseconds;

  struct Parts {
    std::uint32_t local_index = 0;   ///< ours: it is in what we receive
    std::uint32_t remote_index = 0;  ///< theirs: it is in what we send
    bool initiator = false;          ///< we began
    Time born{};
    Key send;
    Key receive;
    std::size_t slots = 1;
  };
  explicit Session(Parts parts);

  [[nodiscard]] std::uint32_t local_index() const { return parts_.local_index; }
  [[nodiscard]] std::uint32_t remote_index() const { return parts_.remote_index; }
  [[nodiscard]] bool is_initiator() const { return parts_.initiator; }
  [[nodiscard]] Time age(Time now) const { return now - parts_.born; }

  // ---- Sending; from any thread ----

  [[nodiscard]] bool may_send(Time now) const;
  /// Whoever began is to make a new one now, of its age; of the messages sent, either.
  [[nodiscard]] bool wants_rekey(Time now) const;
  /// The first of `count` that nobody else gets; nullopt if there are no more.
  [[nodiscard]] std::optional<std::uint64_t> take_counters(std::uint64_t count);
  /// Makes a datagram in place: head, packet, tag. REQUIRES: at least kOverhead bytes, of which the
  /// middle is the padded packet; a counter taken for it; a slot that no other thread uses.
  void seal(std::size_t slot, std::uint64_t counter, ByteSpan datagram);

  // ---- Receiving; from any thread ----

  [[nodiscard]] bool may_receive(Time now) const { return age(now) < limits::kRejectAfterTime; }
  /// Opens in place; false if it is not authentic. The counter is still to be accepted.
  [[nodiscard]] bool open(std::size_t slot, ByteSpan datagram);
  /// For each counter whether it is new. REQUIRES: two of one length.
  void accept(std::span<const std::uint64_t> counters, std::span<bool> good);

  // ---- Going ----

  /// Nobody is to use it any more; who holds it is to let it go.
  void retire() { retired_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_retired() const { return retired_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::optional<Sealer> sealer;
    std::optional<Opener> opener;
  };

  const Parts parts_;
  std::vector<Slot> slots_;
  std::atomic<std::uint64_t> next_counter_ = 0;
  std::atomic<bool> retired_ = false;
  std::mutex replay_mutex_;
  ReplayWindow replay_;
};

using SessionHandle = std::shared_ptr<Session>;

}  // namespace arctic
