// What the sender of a packet is told that nobody can be sent: ICMP's host unreachable.
//
// Workers write it to the device that the packet came from. Pure. Reference: RFC 792 and 1812 4.3.2
// (IPv4), RFC 4443 2.4 and 3.1 (IPv6).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "schema/base/bytes.h"

namespace arctic {

/// An IP packet back to its sender, from the address that it was sent to. nullopt where nothing may
/// be said: to errors, to fragments but the first, to groups and from nobody. REQUIRES: a whole IP
/// packet.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> unreachable(ByteView packet);

/// How many errors may go: 100 a second, 20 at once.
class ErrorRate {
 public:
  using Time = std::chrono::nanoseconds;
  [[nodiscard]] bool may(Time now);

 private:
  Time next_{};  ///< when one would be exactly in time, were there no burst
};

}  // namespace arctic
