#include "runtime/tempest/unreachable.h"

#include <algorithm>

#include "runtime/tempest/checksum.h"
#include "runtime/tempest/ip_packet.h"

namespace arctic {
namespace {

constexpr std::size_t kIcmpBytes = 8;  // before what is quoted
constexpr std::size_t kMost4 = 576;
constexpr std::size_t kMost6 = 1280;
constexpr std::uint8_t kHops = 64;

// Beside it, numbers of RFC 792 and 4443.
constexpr std::uint8_t kIcmp4 = 1;
constexpr std::uint8_t kIcmp6 = 58;
constexpr std::uint8_t kUnreachable4 = 3;
constexpr std::uint8_t kHost4 = 1;
constexpr std::uint8_t kUnreachable6 = 1;
constexpr std::uint8_t kAddress6 = 3;

bool is_error4(std::uint8_t type) {
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}
bool is_error6(std::uint8_t type) { return type < 128 || type == 137; }

bool is_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool may_answer4(ByteView packet, const IpPacket& ip) {
  const std::uint8_t* const source = packet.data() + ipv4::kAddressesAt;
  const std::uint8_t* const destination = source + 4;
  constexpr std::uint16_t kOffset = 0x1fff;
  const bool first = (field16(packet.data() + ipv4::kFragmentAt) & kOffset) == 0;
  const bool error = ip.protocol == kIcmp4 && packet.size() > ip.header_bytes &&
                     is_error4(packet[ip.header_bytes]);
  constexpr std::uint8_t kGroups = 224;
  return first && !error && destination[0] < kGroups && source[0] < kGroups && source[0] != 127 &&
         !is_zero({source, 4});
}

bool may_answer6(ByteView packet, const IpPacket& ip) {
  const std::uint8_t* const source = packet.data() + ipv6::kAddressesAt;
  const std::uint8_t* const destination = source + 16;
  const bool error = ip.protocol == kIcmp6 && packet.size() > ip.header_bytes &&
                     is_error6(packet[ip.header_bytes]);
  constexpr std::uint8_t kGroup = 0xff;
  constexpr std::uint8_t kFragment = 44;  // RFC 8200, 4.5
  constexpr std::uint16_t kOffset = 0xfff8;
  const bool later = ip.protocol == kFragment && packet.size() >= ipv6::kHeaderBytes + 4 &&
                     (field16(packet.data() + ipv6::kHeaderBytes + 2) & kOffset) != 0;
  return !later && !error && destination[0] != kGroup && source[0] != kGroup &&
         !is_zero({source, 16});
}

/// The addresses the other way round.
void put_back(ByteView addresses, std::uint8_t* out) {
  const std::size_t half = addresses.size() / 2;
  std::copy_n(addresses.begin() + static_cast<std::ptrdiff_t>(half), half, out);
  std::copy_n(addresses.begin(), half, out + half);
}

std::vector<std::uint8_t> answer4(ByteView packet) {
  const std::size_t quoted = std::min(packet.size(), kMost4 - ipv4::kHeaderBytes - kIcmpBytes);
  std::vector<std::uint8_t> out(ipv4::kHeaderBytes + kIcmpBytes + quoted);
  out[0] = 0x45;
  put_field16(out.size(), out.data() + ipv4::kTotalLengthAt);
  out[ipv4::kTtlAt] = kHops;
  out[ipv4::kProtocolAt] = kIcmp4;
  put_back(packet.subspan(ipv4::kAddressesAt, ipv4::kAddressesBytes),
           out.data() + ipv4::kAddressesAt);
  Checksum header;
  header.add(ByteView(out).first(ipv4::kHeaderBytes));
  put_field16(header.finished(), out.data() + ipv4::kChecksumAt);

  std::uint8_t* const icmp = out.data() + ipv4::kHeaderBytes;
  icmp[0] = kUnreachable4;
  icmp[1] = kHost4;
  std::copy_n(packet.begin(), quoted, icmp + kIcmpBytes);
  Checksum body;
  body.add(ByteView(out).subspan(ipv4::kHeaderBytes));
  put_field16(body.finished(), icmp + 2);
  return out;
}

std::vector<std::uint8_t> answer6(ByteView packet) {
  const std::size_t quoted = std::min(packet.size(), kMost6 - ipv6::kHeaderBytes - kIcmpBytes);
  std::vector<std::uint8_t> out(ipv6::kHeaderBytes + kIcmpBytes + quoted);
  out[0] = 0x60;
  put_field16(kIcmpBytes + quoted, out.data() + ipv6::kPayloadLengthAt);
  out[ipv6::kNextHeaderAt] = kIcmp6;
  out[ipv6::kHopLimitAt] = kHops;
  put_back(packet.subspan(ipv6::kAddressesAt, ipv6::kAddressesBytes),
           out.data() + ipv6::kAddressesAt);

  std::uint8_t* const icmp = out.data() + ipv6::kHeaderBytes;
  icmp[0] = kUnreachable6;
  icmp[1] = kAddress6;
  std::copy_n(packet.begin(), quoted, icmp + kIcmpBytes);
  Checksum body;
  body.add_pseudo_header(ByteView(out).subspan(ipv6::kAddressesAt, ipv6::kAddressesBytes), kIcmp6,
                         static_cast<std::uint16_t>(kIcmpBytes + quoted));
  body.add(ByteView(out).subspan(ipv6::kHeaderBytes));
  put_field16(body.finished(), icmp + 2);
  return out;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> unreachable(ByteView packet) {
  const auto ip = parse_ip(packet);
  if (!ip) return std::nullopt;
  packet = packet.first(std::min(packet.size(), ip->bytes));
  if (ip->family == Family::kIpv4) {
    if (!may_answer4(packet, *ip)) return std::nullopt;
    return answer4(packet);
  }
  if (!may_answer6(packet, *ip)) return std::nullopt;
  return answer6(packet);
}

bool ErrorRate::may(Time now) {
  constexpr Time kInterval = std::chrono::milliseconds(10);
  constexpr int kBurst = 20;
  if (next_ - now > kInterval * (kBurst - 1)) return false;
  next_ = std::max(next_, now) + kInterval;
  return true;
}

}  // namespace arctic
