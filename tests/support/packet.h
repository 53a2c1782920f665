// IP packets as bytes: made by hand and read back, for both families.
//
// The lab sends what no ordinary socket would (any source address, any protocol, a bare SYN) and
// must know its packets again wherever they come out. Pure: no socket, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/base/address.h"

namespace arctic::lab {

inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kEsp = 50;
inline constexpr std::uint8_t kIcmpv6 = 58;
inline constexpr std::uint8_t kOdd = 253;  ///< kept for experiments (RFC 3692); has no ports

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kAck = 0x10;

struct Datagram {
  Address from;
  Address to;  ///< of from's family
  std::uint8_t protocol = kUdp;
  std::uint16_t source_port = 0;  ///< ICMP: the identifier of an echo
  std::uint16_t destination_port = 0;
  std::uint8_t flags = 0;  ///< TCP
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::optional<std::uint8_t> icmp_type;  ///< absent when made: an echo request of the family
  std::uint8_t icmp_code = 0;
  std::string payload;  ///< ICMP errors: the packet they are about
};

/// The packet with correct checksums and a TTL of 64.
[[nodiscard]] std::string encode(const Datagram& datagram);

/// nullopt for what is no whole IP packet. Extension headers and fragments are not followed.
[[nodiscard]] std::optional<Datagram> decode(std::string_view packet);

/// "tcp 10.0.0.1:5 > 10.0.0.2:80", for messages.
[[nodiscard]] std::string to_string(const Datagram& datagram);

/// True for "destination unreachable" of either family.
[[nodiscard]] bool is_unreachable(const Datagram& datagram);

/// The family's ICMP.
[[nodiscard]] std::uint8_t icmp_of(Family family);

}  // namespace arctic::lab
