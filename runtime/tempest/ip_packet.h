// Where the fields of IP, TCP and UDP lie, and whether the bytes of a packet are there at all.
//
// Cutting and coalescing share it. Parsing takes hostile bytes; what it returns may be relied on
// for memory safety. Pure, and inline for the sake of each packet. Reference: RFC 791, 8200, 9293,
// 768.
#pragma once

#include <cstdint>
#include <optional>

#include "schema/base/address.h"
#include "schema/base/bytes.h"

namespace arctic {

namespace ipv4 {
inline constexpr std::size_t kHeaderBytes = 20;  ///< without options
inline constexpr std::size_t kTosAt = 1;
inline constexpr std::size_t kTotalLengthAt = 2;
inline constexpr std::size_t kIdentificationAt = 4;
inline constexpr std::size_t kFragmentAt = 6;
inline constexpr std::uint16_t kDontFragment = 0x4000;
inline constexpr std::uint16_t kFragmentMask = 0x3fff;  ///< more fragments, and the offset
inline constexpr std::size_t kTtlAt = 8;
inline constexpr std::size_t kProtocolAt = 9;
inline constexpr std::size_t kChecksumAt = 10;
inline constexpr std::size_t kAddressesAt = 12;
inline constexpr std::size_t kAddressesBytes = 8;
}  // namespace ipv4

namespace ipv6 {
inline constexpr std::size_t kHeaderBytes = 40;  ///< without extension headers
inline constexpr std::size_t kPayloadLengthAt = 4;
inline constexpr std::size_t kNextHeaderAt = 6;
inline constexpr std::size_t kHopLimitAt = 7;
inline constexpr std::size_t kAddressesAt = 8;
inline constexpr std::size_t kAddressesBytes = 32;
}  // namespace ipv6

namespace tcp {
inline constexpr std::uint8_t kProtocol = 6;
inline constexpr std::size_t kHeaderBytes = 20;  ///< without options
inline constexpr std::size_t kSequenceAt = 4;
inline constexpr std::size_t kAcknowledgementAt = 8;
inline constexpr std::size_t kDataOffsetAt = 12;  ///< in the high four bits, in words
inline constexpr std::size_t kFlagsAt = 13;
inline constexpr std::size_t kWindowAt = 14;
inline constexpr std::size_t kChecksumAt = 16;
inline constexpr std::size_t kUrgentAt = 18;
inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kEce = 0x40;
inline constexpr std::uint8_t kCwr = 0x80;
}  // namespace tcp

namespace udp {
inline constexpr std::uint8_t kProtocol = 17;
inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::size_t kLengthAt = 4;
inline constexpr std::size_t kChecksumAt = 6;
}  // namespace udp

/// Big-endian numbers.
[[nodiscard]] inline std::uint16_t field16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
[[nodiscard]] inline std::uint32_t field32(const std::uint8_t* at) {
  return std::uint32_t{field16(at)} << 16 | field16(at + 2);
}
inline void put_field16(std::size_t number, std::uint8_t* out) {
  out[0] = static_cast<std::uint8_t>(number >> 8);
  out[1] = static_cast<std::uint8_t>(number);
}
inline void put_field32(std::uint32_t number, std::uint8_t* out) {
  put_field16(number >> 16, out);
  put_field16(number & 0xffffU, out + 2);
}

struct IpPacket {
  Family family = Family::kIpv4;
  std::size_t header_bytes = 0;  ///< IPv4 with its options; IPv6 without extension headers
  std::size_t bytes = 0;         ///< all of the packet, as its own length has it
  std::uint8_t protocol = 0;     ///< IPv6: the first next header
  bool fragment = false;         ///< IPv4's; IPv6 has an extension header for it

  [[nodiscard]] std::size_t addresses_at() const {
    return family == Family::kIpv4 ? ipv4::kAddressesAt : ipv6::kAddressesAt;
  }
  /// Of both addresses.
  [[nodiscard]] std::size_t addresses_bytes() const {
    return family == Family::kIpv4 ? ipv4::kAddressesBytes : ipv6::kAddressesBytes;
  }
};

/// nullopt if it is neither IPv4 nor IPv6, or if fewer bytes are there than it says.
[[nodiscard]] inline std::optional<IpPacket> parse_ip(ByteView packet) {
  if (packet.size() < ipv4::kHeaderBytes) return std::nullopt;
  const std::uint8_t* at = packet.data();
  IpPacket ip;
  if (at[0] >> 4 == 4) {
    ip.header_bytes = std::size_t{at[0] & 15U} * 4;
    ip.bytes = field16(at + ipv4::kTotalLengthAt);
    ip.protocol = at[ipv4::kProtocolAt];
    ip.fragment = (field16(at + ipv4::kFragmentAt) & ipv4::kFragmentMask) != 0;
    if (ip.header_bytes < ipv4::kHeaderBytes || ip.bytes < ip.header_bytes) return std::nullopt;
  } else if (at[0] >> 4 == 6) {
    ip.family = Family::kIpv6;
    ip.header_bytes = ipv6::kHeaderBytes;
    ip.bytes = ipv6::kHeaderBytes + field16(at + ipv6::kPayloadLengthAt);
    ip.protocol = at[ipv6::kNextHeaderAt];
  } else {
    return std::nullopt;
  }
  if (ip.bytes > packet.size()) return std::nullopt;
  return ip;
}

}  // namespace arctic
