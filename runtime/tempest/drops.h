// Why packets and datagrams are dropped: counted, never an error.
//
// Each worker counts for itself; `status` and the metrics sum up. Names are for people.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace arctic {

enum class Drop : std::uint8_t {
  // Datagrams that came
  kNoMessage,   ///< no message is of that size and type
  kWrongMac1,   ///< not for our key
  kCookieSent,  ///< too many handshakes; its sender was told to try again
  kTooOften,    ///< too many handshakes of one source
  kBusy,        ///< too many handshakes wait
  kForgedHandshake,
  kUnknownPeer,   ///< a handshake with a key that is none of our peers'
  kOldHandshake,  ///< seen before, or too soon after the last
  kUnknownIndex,  ///< for a session that is not, or no longer, here
  kExpired,       ///< by keys that are too old
  kForgedData,
  kReplayed,
  kNoPacket,       ///< what was in it is no IP packet, or shorter than it says
  kWrongSource,    ///< it has a source address that is not its peer's
  kDeviceRefused,  ///< the device did not take it
  // Packets that were to go
  kNoPeer,      ///< nobody has that destination
  kNoEndpoint,  ///< nobody knows where the peer is
  kNoSession,   ///< the peer did not answer
  kNoSend,      ///< the network did not take it
  kBadPacket,   ///< the device gave what is no IP packet
  kCount,
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(Drop::kCount);

/// "unknown_peer".
[[nodiscard]] const char* to_string(Drop reason);

using DropCounts = std::array<std::uint64_t, kDropReasons>;

/// Of one thread; any may read.
class DropCounter {
 public:
  void add(Drop reason, std::uint64_t count = 1) {
    auto& at = counts_[static_cast<std::size_t>(reason)];
    at.store(at.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void add_to(DropCounts& sum) const {
    for (std::size_t i = 0; i < kDropReasons; ++i) {
      sum[i] += counts_[i].load(std::memory_order_relaxed);
    }
  }

 private:
  std::array<std::atomic<std::uint64_t>, kDropReasons> counts_{};
};

}  // namespace arctic
