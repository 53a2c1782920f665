// TCP and UDP packets made by hand, for the tests of checksums, cutting and coalescing.
//
// Written apart from runtime/tempest and slow on purpose: the twin that those are held against.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "schema/base/address.h"
#include "schema/base/bytes.h"

namespace arctic::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kUrg = 0x20;
inline constexpr std::uint8_t kEce = 0x40;
inline constexpr std::uint8_t kCwr = 0x80;

/// RFC 1071 word by word, before the complement.
inline std::uint16_t naive_sum(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

inline void append16(std::size_t number, Bytes& out) {
  out.push_back(static_cast<std::uint8_t>(number >> 8));
  out.push_back(static_cast<std::uint8_t>(number));
}

inline void append32(std::uint32_t number, Bytes& out) {
  append16(number >> 16, out);
  append16(number & 0xffff, out);
}

inline void append(const Bytes& bytes, Bytes& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inline void write16(std::size_t number, std::uint8_t* out) {
  out[0] = static_cast<std::uint8_t>(number >> 8);
  out[1] = static_cast<std::uint8_t>(number);
}

inline std::uint16_t read16(const std::uint8_t* bytes) {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

inline Bytes some_bytes(std::size_t size, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

/// Twelve bytes, as nearly every TCP segment has them.
inline Bytes timestamps(std::uint32_t value = 77) {
  Bytes options{1, 1, 8, 10};
  append32(value, options);
  append32(99, options);
  return options;
}

struct Packet {
  Family family = Family::kIpv4;
  bool tcp = true;
  Bytes payload;
  // IP
  std::uint8_t source = 1;  ///< the last byte of the address
  std::uint8_t destination = 2;
  std::uint8_t traffic_class = 0;
  std::uint8_t ttl = 64;
  std::uint16_t identification = 500;
  std::uint16_t fragment = 0x4000;  ///< flags and offset
  std::uint32_t flow_label = 0;
  Bytes ip_options;            ///< of IPv4, in words of four bytes
  Bytes extensions;            ///< of IPv6; the last must name the transport
  std::uint8_t extension = 0;  ///< the number of the first
  // Ports and TCP
  std::uint16_t source_port = 1025;
  std::uint16_t destination_port = 443;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledgement = 7;
  std::uint8_t flags = kAck;
  std::uint8_t reserved = 0;  ///< the four bits beside the data offset
  std::uint16_t window = 300;
  std::uint16_t urgent = 0;
  Bytes tcp_options;

  [[nodiscard]] std::uint8_t protocol() const { return tcp ? 6 : 17; }
  [[nodiscard]] std::size_t ip_bytes() const {
    return family == Family::kIpv4 ? 20 + ip_options.size() : 40 + extensions.size();
  }
  [[nodiscard]] std::size_t header_bytes() const {
    return ip_bytes() + (tcp ? 20 + tcp_options.size() : 8);
  }
  [[nodiscard]] std::size_t checksum_at() const { return ip_bytes() + (tcp ? 16 : 6); }
};

inline Bytes addresses_of(const Packet& packet) {
  if (packet.family == Family::kIpv4) {
    return {10, 0, 0, packet.source, 10, 0, 1, packet.destination};
  }
  Bytes addresses(32);
  addresses[0] = addresses[16] = 0xfd;
  addresses[15] = packet.source;
  addresses[31] = packet.destination;
  return addresses;
}

/// What the checksum field holds when the rest is left to others.
inline std::uint16_t pseudo_sum(const Packet& packet) {
  Bytes bytes = addresses_of(packet);
  append16(packet.protocol(), bytes);
  append16(packet.header_bytes() - packet.ip_bytes() + packet.payload.size(), bytes);
  return naive_sum(bytes);
}

inline Bytes encode_ip(const Packet& packet, std::size_t rest) {
  Bytes out;
  if (packet.family == Family::kIpv6) {
    append32(6U << 28 | std::uint32_t{packet.traffic_class} << 20 | packet.flow_label, out);
    append16(packet.extensions.size() + rest, out);
    out.push_back(packet.extensions.empty() ? packet.protocol() : packet.extension);
    out.push_back(packet.ttl);
    append(addresses_of(packet), out);
    append(packet.extensions, out);
    return out;
  }
  out.push_back(static_cast<std::uint8_t>(0x45 + packet.ip_options.size() / 4));
  out.push_back(packet.traffic_class);
  append16(packet.ip_bytes() + rest, out);
  append16(packet.identification, out);
  append16(packet.fragment, out);
  append(Bytes{packet.ttl, packet.protocol(), 0, 0}, out);
  append(addresses_of(packet), out);
  append(packet.ip_options, out);
  write16(0xffff ^ naive_sum(out), out.data() + 10);
  return out;
}

/// The packet with a checksum field of zero.
inline Bytes encode_unsummed(const Packet& packet) {
  Bytes transport;
  append16(packet.source_port, transport);
  append16(packet.destination_port, transport);
  if (packet.tcp) {
    append32(packet.sequence, transport);
    append32(packet.acknowledgement, transport);
    const std::size_t words = 5 + packet.tcp_options.size() / 4;
    transport.push_back(static_cast<std::uint8_t>(words << 4 | packet.reserved));
    transport.push_back(packet.flags);
    append16(packet.window, transport);
    append16(0, transport);
    append16(packet.urgent, transport);
    append(packet.tcp_options, transport);
  } else {
    append16(8 + packet.payload.size(), transport);
    append16(0, transport);
  }
  append(packet.payload, transport);
  Bytes out = encode_ip(packet, transport.size());
  append(transport, out);
  return out;
}

/// Makes the transport's checksum right, whatever else was changed.
inline void sum_again(const Packet& packet, Bytes& out) {
  const std::size_t at = packet.checksum_at();
  write16(pseudo_sum(packet), out.data() + at);
  const auto sum = naive_sum(ByteView(out).subspan(packet.ip_bytes()));
  write16(!packet.tcp && sum == 0xffff ? 0xffff : 0xffff ^ sum, out.data() + at);
}

/// The packet as a host without offloads sends it.
inline Bytes encode(const Packet& packet) {
  Bytes out = encode_unsummed(packet);
  sum_again(packet, out);
  return out;
}

/// The packet as the kernel leaves it to the device to sum.
inline Bytes encode_partial(const Packet& packet) {
  Bytes out = encode_unsummed(packet);
  write16(pseudo_sum(packet), out.data() + packet.checksum_at());
  return out;
}

/// Whose transport sums up to ones, so that the checksum comes out as zero.
inline Packet sum_to_zero(Packet packet) {
  packet.payload.resize(98);
  append16(0, packet.payload);
  const auto sum = naive_sum(ByteView(encode_partial(packet)).subspan(packet.ip_bytes()));
  write16(0xffff ^ sum, packet.payload.data() + 98);
  return packet;
}

/// "IPv6 UDP", for INFO.
inline std::string name_of(const Packet& packet) {
  return std::string(packet.family == Family::kIpv4 ? "IPv4" : "IPv6") +
         (packet.tcp ? " TCP" : " UDP");
}

/// One of each family and transport, with as much payload.
inline std::vector<Packet> one_of_each(std::size_t payload) {
  std::vector<Packet> all;
  for (const Family family : kFamilies) {
    for (const bool tcp : {true, false}) {
      Packet packet;
      packet.family = family;
      packet.tcp = tcp;
      packet.payload = some_bytes(payload, payload + 1);
      all.push_back(packet);
    }
  }
  return all;
}

/// The i-th part of a packet that is cut into payloads of `size` bytes, as RFC 9293, 3168 and 768
/// have it sent.
inline Packet part_of(const Packet& whole, std::size_t i, std::size_t size) {
  const std::size_t begin = i * size;
  const std::size_t end = std::min(begin + size, whole.payload.size());
  Packet part = whole;
  part.payload = Bytes(whole.payload.begin() + static_cast<std::ptrdiff_t>(begin),
                       whole.payload.begin() + static_cast<std::ptrdiff_t>(end));
  part.identification = static_cast<std::uint16_t>(whole.identification + i);
  part.sequence = whole.sequence + static_cast<std::uint32_t>(begin);
  if (end < whole.payload.size()) part.flags &= static_cast<std::uint8_t>(~(kFin | kPsh));
  if (i > 0) part.flags &= static_cast<std::uint8_t>(~kCwr);
  return part;
}

}  // namespace arctic::test
