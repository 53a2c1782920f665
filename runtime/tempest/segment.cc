#include "runtime/tempest/segment.h"

#include <cstring>

namespace arctic {
namespace {

/// Extension headers that a packet which is to be cut may have: hop-by-hop options, routing,
/// destination options (RFC 8200, 4). A fragment is never cut.
bool is_extension(std::uint8_t next_header) {
  return next_header == 0 || next_header == 43 || next_header == 60;
}

/// Whether the packet's own headers end at `place`, with `protocol` next.
bool lead_to(ByteView packet, const IpPacket& ip, std::size_t place, std::uint8_t protocol) {
  std::size_t at = ip.header_bytes;
  std::uint8_t next = ip.protocol;
  while (ip.family == Family::kIpv6 && is_extension(next) && at + 2 <= packet.size()) {
    next = packet[at];
    at += (std::size_t{packet[at + 1]} + 1) * 8;
  }
  return at == place && next == protocol && !ip.fragment;
}

bool complete_checksum(const OffloadHeader& header, const IpPacket& ip, ByteSpan packet) {
  const std::size_t start = header.checksum_start;
  const std::size_t field = start + header.checksum_offset;
  if (start < ip.header_bytes || field + 2 > packet.size()) return false;
  Checksum sum;
  sum.add(packet.subspan(start));
  put_field16(sum.finished_nonzero(), packet.data() + field);
  return true;
}

}  // namespace

std::optional<SuperPacket> SuperPacket::parse(const OffloadHeader& header, ByteSpan packet) {
  const auto ip = parse_ip(packet);
  if (!ip) return std::nullopt;
  SuperPacket super;
  super.packet_ = packet.first(ip->bytes);
  const bool whole = header.gso_type == OffloadHeader::kNone;
  if (!whole && !super.read_segments(header, *ip)) return std::nullopt;
  if (super.count_ == 1 && (header.flags & OffloadHeader::kNeedsChecksum) != 0 &&
      !complete_checksum(header, *ip, super.packet_)) {
    return std::nullopt;
  }
  return super;
}

bool SuperPacket::read_segments(const OffloadHeader& header, const IpPacket& ip) {
  const auto tcp_type = ip.family == Family::kIpv4 ? OffloadHeader::kTcp4 : OffloadHeader::kTcp6;
  tcp_ = (header.gso_type & ~OffloadHeader::kEcn) == tcp_type;
  if (!tcp_ && header.gso_type != OffloadHeader::kUdp) return false;
  if ((header.flags & OffloadHeader::kNeedsChecksum) == 0 || header.gso_size == 0) return false;
  if (header.checksum_offset != (tcp_ ? tcp::kChecksumAt : udp::kChecksumAt)) return false;

  family_ = ip.family;
  ip_bytes_ = ip.header_bytes;
  gso_size_ = header.gso_size;
  transport_at_ = header.checksum_start;
  if (!lead_to(packet_, ip, transport_at_, tcp_ ? tcp::kProtocol : udp::kProtocol)) return false;
  header_bytes_ = transport_at_ + (tcp_ ? tcp::kHeaderBytes : udp::kHeaderBytes);
  if (header_bytes_ > packet_.size()) return false;
  const std::uint8_t* transport = packet_.data() + transport_at_;
  if (tcp_) {
    const std::size_t tcp_bytes = std::size_t{transport[tcp::kDataOffsetAt]} / 16 * 4;
    header_bytes_ = transport_at_ + tcp_bytes;
    if (tcp_bytes < tcp::kHeaderBytes || header_bytes_ > packet_.size()) return false;
  }
  const std::size_t payload = packet_.size() - header_bytes_;
  if (payload > gso_size_) count_ = (payload + gso_size_ - 1) / gso_size_;
  // The field has the addresses in it, also the last one of a routing header, and the whole's size.
  pseudo_.add16(field16(transport + header.checksum_offset));
  pseudo_.subtract16(static_cast<std::uint16_t>(packet_.size() - transport_at_));
  return true;
}

void SuperPacket::write(std::size_t i, std::uint8_t* out) const {
  const std::size_t bytes = size(i);
  if (count_ == 1) {
    std::memcpy(out, packet_.data(), bytes);
    return;
  }
  std::memcpy(out, packet_.data(), header_bytes_);
  write_ip(i, bytes, out);
  const auto transport_bytes = static_cast<std::uint16_t>(bytes - transport_at_);
  std::uint8_t* transport = out + transport_at_;
  if (tcp_) {
    write_tcp(i, transport);
  } else {
    put_field16(transport_bytes, transport + udp::kLengthAt);
  }
  std::uint8_t* field = transport + (tcp_ ? tcp::kChecksumAt : udp::kChecksumAt);
  put_field16(0, field);
  Checksum sum = pseudo_;
  sum.add16(transport_bytes);
  sum.add({transport, header_bytes_ - transport_at_});
  sum.add_copied({packet_.data() + header_bytes_ + i * gso_size_, bytes - header_bytes_},
                 out + header_bytes_);
  put_field16(tcp_ ? sum.finished() : sum.finished_nonzero(), field);
}

void SuperPacket::write_ip(std::size_t i, std::size_t bytes, std::uint8_t* out) const {
  if (family_ == Family::kIpv6) {
    put_field16(bytes - ip_bytes_, out + ipv6::kPayloadLengthAt);
    return;
  }
  put_field16(bytes, out + ipv4::kTotalLengthAt);
  put_field16(field16(out + ipv4::kIdentificationAt) + i, out + ipv4::kIdentificationAt);
  put_field16(0, out + ipv4::kChecksumAt);
  Checksum sum;
  sum.add({out, ip_bytes_});
  put_field16(sum.finished(), out + ipv4::kChecksumAt);
}

void SuperPacket::write_tcp(std::size_t i, std::uint8_t* out) const {
  const auto ahead = static_cast<std::uint32_t>(i * gso_size_);
  put_field32(field32(out + tcp::kSequenceAt) + ahead, out + tcp::kSequenceAt);
  std::uint8_t& flags = out[tcp::kFlagsAt];
  if (i > 0) flags &= static_cast<std::uint8_t>(~tcp::kCwr);
  if (i + 1 < count_) flags &= static_cast<std::uint8_t>(~(tcp::kFin | tcp::kPsh));
}

}  // namespace arctic
