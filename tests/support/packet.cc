#include "tests/support/packet.h"

#include <cstddef>

namespace arctic::lab {

namespace {

void put(std::string& to, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to += static_cast<char>((value >> (8 * i)) & 0xff);
}

void put(std::string& to, const Address& address) {
  const auto bytes = address.bytes();
  to.append(reinterpret_cast<const char*>(bytes.data()), address.size());
}

std::uint32_t get(std::string_view from, std::size_t at, int bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value = value << 8 | static_cast<unsigned char>(from[at + static_cast<std::size_t>(i)]);
  }
  return value;
}

std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += get(bytes, i, 2);
  if (bytes.size() % 2 != 0) sum += get(bytes, bytes.size() - 1, 1) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void store(std::string& in, std::size_t at, std::uint16_t value) {
  in[at] = static_cast<char>(value >> 8);
  in[at + 1] = static_cast<char>(value & 0xff);
}

std::string pseudo_header(const Datagram& d, std::size_t length) {
  std::string text;
  put(text, d.from);
  put(text, d.to);
  put(text, length, 4);
  put(text, d.protocol, 4);
  return text;
}

std::string tcp(const Datagram& d) {
  std::string text;
  put(text, d.source_port, 2);
  put(text, d.destination_port, 2);
  put(text, d.sequence, 4);
  put(text, d.acknowledgement, 4);
  put(text, 0x5000U | d.flags, 2);
  put(text, 65535, 2);
  put(text, 0, 4);
  text += d.payload;
  store(text, 16, checksum(pseudo_header(d, text.size()) + text));
  return text;
}

std::string udp(const Datagram& d) {
  std::string text;
  put(text, d.source_port, 2);
  put(text, d.destination_port, 2);
  put(text, 8 + d.payload.size(), 2);
  put(text, 0, 2);
  text += d.payload;
  const std::uint16_t sum = checksum(pseudo_header(d, text.size()) + text);
  store(text, 6, sum == 0 ? std::uint16_t{0xffff} : sum);
  return text;
}

std::string icmp(const Datagram& d) {
  const bool v4 = d.from.family == Family::kIpv4;
  const std::uint8_t request = v4 ? 8 : 128;
  std::string text;
  put(text, d.icmp_type.value_or(request), 1);
  put(text, d.icmp_code, 1);
  put(text, 0, 2);
  put(text, d.source_port, 2);
  put(text, d.destination_port, 2);
  text += d.payload;
  store(text, 2, checksum(v4 ? text : pseudo_header(d, text.size()) + text));
  return text;
}

std::string upper(const Datagram& d) {
  switch (d.protocol) {
    case kTcp:
      return tcp(d);
    case kUdp:
      return udp(d);
    case kIcmp:
    case kIcmpv6:
      return icmp(d);
    default:
      return d.payload;
  }
}

/// Reads what follows the IP header; false if it is cut short.
bool read_upper(std::string_view text, Datagram& d) {
  if (d.protocol == kTcp) {
    if (text.size() < 20) return false;
    d.source_port = static_cast<std::uint16_t>(get(text, 0, 2));
    d.destination_port = static_cast<std::uint16_t>(get(text, 2, 2));
    d.sequence = get(text, 4, 4);
    d.acknowledgement = get(text, 8, 4);
    d.flags = static_cast<std::uint8_t>(get(text, 13, 1) & 0x3f);
    const std::size_t header = (get(text, 12, 1) >> 4) * 4;
    if (header < 20 || header > text.size()) return false;
    d.payload = text.substr(header);
    return true;
  }
  if (d.protocol == kUdp || d.protocol == kIcmp || d.protocol == kIcmpv6) {
    if (text.size() < 8) return false;
    const std::size_t ports = d.protocol == kUdp ? 0 : 4;
    d.source_port = static_cast<std::uint16_t>(get(text, ports, 2));
    d.destination_port = static_cast<std::uint16_t>(get(text, ports + 2, 2));
    if (d.protocol != kUdp) {
      d.icmp_type = static_cast<std::uint8_t>(get(text, 0, 1));
      d.icmp_code = static_cast<std::uint8_t>(get(text, 1, 1));
    }
    d.payload = text.substr(8);
    return true;
  }
  d.payload = text;
  return true;
}

}  // namespace

std::string encode(const Datagram& d) {
  const std::string body = upper(d);
  std::string text;
  if (d.from.family == Family::kIpv4) {
    put(text, 0x4500, 2);
    put(text, 20 + body.size(), 2);
    put(text, 0, 4);
    put(text, 64, 1);
    put(text, d.protocol, 1);
    put(text, 0, 2);
    put(text, d.from);
    put(text, d.to);
    store(text, 10, checksum(text));
  } else {
    put(text, 0x60000000, 4);
    put(text, body.size(), 2);
    put(text, d.protocol, 1);
    put(text, 64, 1);
    put(text, d.from);
    put(text, d.to);
  }
  return text + body;
}

std::optional<Datagram> decode(std::string_view packet) {
  if (packet.empty()) return std::nullopt;
  Datagram d;
  const std::uint32_t version = get(packet, 0, 1) >> 4;
  if (version == 4) {
    if (packet.size() < 20) return std::nullopt;
    const std::size_t header = (get(packet, 0, 1) & 0xf) * 4;
    const std::size_t total = get(packet, 2, 2);
    if (header < 20 || total < header || total > packet.size()) return std::nullopt;
    d.protocol = static_cast<std::uint8_t>(get(packet, 9, 1));
    d.from = address_from_bytes(Family::kIpv4, packet.data() + 12);
    d.to = address_from_bytes(Family::kIpv4, packet.data() + 16);
    return read_upper(packet.substr(header, total - header), d) ? std::optional(d) : std::nullopt;
  }
  if (version != 6 || packet.size() < 40) return std::nullopt;
  const std::size_t length = get(packet, 4, 2);
  if (40 + length > packet.size()) return std::nullopt;
  d.protocol = static_cast<std::uint8_t>(get(packet, 6, 1));
  d.from = address_from_bytes(Family::kIpv6, packet.data() + 8);
  d.to = address_from_bytes(Family::kIpv6, packet.data() + 24);
  return read_upper(packet.substr(40, length), d) ? std::optional(d) : std::nullopt;
}

std::string to_string(const Datagram& d) {
  const auto end = [](const Address& address, std::uint16_t port) {
    const std::string text = address.to_string();
    return (address.family == Family::kIpv4 ? text : "[" + text + "]") + ":" + std::to_string(port);
  };
  std::string name = "protocol " + std::to_string(d.protocol);
  if (d.protocol == kTcp) name = "tcp";
  if (d.protocol == kUdp) name = "udp";
  if (d.protocol == kIcmp || d.protocol == kIcmpv6)
    name = "icmp " + std::to_string(d.icmp_type.value_or(0));
  return name + " " + end(d.from, d.source_port) + " > " + end(d.to, d.destination_port);
}

bool is_unreachable(const Datagram& d) {
  return (d.protocol == kIcmp && d.icmp_type == 3) || (d.protocol == kIcmpv6 && d.icmp_type == 1);
}

std::uint8_t icmp_of(Family family) { return family == Family::kIpv4 ? kIcmp : kIcmpv6; }

}  // namespace arctic::lab
