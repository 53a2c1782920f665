#include "runtime/tempest/coalesce.h"

#include <algorithm>
#include <cstring>

#include "runtime/tempest/checksum.h"

namespace arctic {
namespace {

bool same(ByteView a, ByteView b, std::size_t from, std::size_t bytes) {
  return std::memcmp(a.data() + from, b.data() + from, bytes) == 0;
}

bool same_addresses(ByteView a, const IpPacket& a_ip, ByteView b, const IpPacket& b_ip) {
  return a_ip.family == b_ip.family && same(a, b, a_ip.addresses_at(), a_ip.addresses_bytes());
}

/// What stands before `transport` bytes of this packet when they are summed.
Checksum pseudo_header(ByteView packet, const IpPacket& ip, std::size_t transport) {
  Checksum sum;
  sum.add_pseudo_header(packet.subspan(ip.addresses_at(), ip.addresses_bytes()), ip.protocol,
                        static_cast<std::uint16_t>(transport));
  return sum;
}

bool checksums_right(ByteView packet, const IpPacket& ip) {
  if (ip.family == Family::kIpv4) {
    Checksum header;
    header.add(packet.first(ip.header_bytes));
    if (!header.right()) return false;
  }
  Checksum sum = pseudo_header(packet, ip, packet.size() - ip.header_bytes);
  sum.add(packet.subspan(ip.header_bytes));
  return sum.right();
}

/// The size of a header that a joined packet may have; 0 if it may not. REQUIRES: a port's bytes.
std::size_t joinable_tcp(ByteView transport) {
  if (transport.size() < tcp::kHeaderBytes) return 0;
  const std::size_t bytes = std::size_t{transport[tcp::kDataOffsetAt]} / 16 * 4;
  const bool reserved = (transport[tcp::kDataOffsetAt] & 15U) != 0;
  const unsigned flags = transport[tcp::kFlagsAt] & ~unsigned{tcp::kPsh | tcp::kEce};
  const bool plain = flags == tcp::kAck && !reserved && bytes >= tcp::kHeaderBytes;
  return plain && bytes < transport.size() ? bytes : 0;
}

std::size_t joinable_udp(ByteView transport) {
  // Without a checksum nothing would be verified, and the kernel would add one.
  const bool plain = transport.size() > udp::kHeaderBytes &&
                     field16(transport.data() + udp::kLengthAt) == transport.size() &&
                     field16(transport.data() + udp::kChecksumAt) != 0;
  return plain ? udp::kHeaderBytes : 0;
}

/// Whether the kernel would give `packet` the IP header that it has, `ahead` packets behind `head`.
bool same_ip(ByteView head, ByteView packet, Family family, std::size_t ahead) {
  if (family == Family::kIpv6) {
    return same(head, packet, 0, ipv6::kPayloadLengthAt) &&
           head[ipv6::kHopLimitAt] == packet[ipv6::kHopLimitAt];
  }
  const std::size_t identification = field16(head.data() + ipv4::kIdentificationAt) + ahead;
  const bool follows =
      field16(packet.data() + ipv4::kIdentificationAt) == (identification & 0xffff);
  const bool whole = field16(packet.data() + ipv4::kFragmentAt) == ipv4::kDontFragment;
  return head[ipv4::kTosAt] == packet[ipv4::kTosAt] && head[ipv4::kTtlAt] == packet[ipv4::kTtlAt] &&
         same(head, packet, ipv4::kFragmentAt, 2) && (whole || follows);
}

/// Likewise for TCP, whose payload begins `ahead` bytes behind the head's.
bool same_tcp(ByteView head, ByteView packet, std::size_t ahead) {
  const std::size_t between = tcp::kAcknowledgementAt;
  const auto flags = (head[tcp::kFlagsAt] ^ packet[tcp::kFlagsAt]) & ~unsigned{tcp::kPsh};
  return field32(packet.data() + tcp::kSequenceAt) ==
             field32(head.data() + tcp::kSequenceAt) + static_cast<std::uint32_t>(ahead) &&
         flags == 0 && same(head, packet, between, tcp::kFlagsAt - between) &&
         same(head, packet, tcp::kWindowAt, tcp::kChecksumAt - tcp::kWindowAt) &&
         same(head, packet, tcp::kUrgentAt, head.size() - tcp::kUrgentAt);
}

}  // namespace

// ---- Adding ----

void Coalescer::add(ByteSpan packet) {
  const auto ip = parse_ip(packet);
  if (!ip) {
    open_count_ = 0;  // whichever flow it was to belong to
    add_alone(packet);
    return;
  }
  const bool tcp = ip->protocol == tcp::kProtocol;
  const bool has_ports =
      !ip->fragment && (tcp || ip->protocol == udp::kProtocol) && ip->bytes >= ip->header_bytes + 4;
  if (!has_ports) {
    close_between(packet, *ip);
    add_alone(packet);
    return;
  }
  Seen seen{packet.first(ip->bytes), *ip, tcp};
  seen.ports = field32(packet.data() + ip->header_bytes);
  add_to_flow(seen);
}

void Coalescer::add_to_flow(Seen& seen) {
  const bool joins = may_join(seen);
  const std::size_t place = find(seen);
  if (place < open_count_) {
    Train& train = trains_[open_[place].train];
    if (joins && fits(train, seen) && verify_first(train) &&
        checksums_right(seen.packet, seen.ip)) {
      append(place, seen);
      return;
    }
    close(place);
  }
  if (joins && !seen.push) {
    begin(seen);
  } else {
    add_alone(seen.packet);
  }
}

bool Coalescer::may_join(Seen& seen) const {
  if (seen.ip.family == Family::kIpv4) {
    const auto fragment = field16(seen.packet.data() + ipv4::kFragmentAt);
    if (seen.ip.header_bytes != ipv4::kHeaderBytes) return false;
    if ((fragment & ~unsigned{ipv4::kDontFragment}) != 0) return false;
  }
  if (!(seen.tcp ? options_.tcp : options_.udp)) return false;
  const ByteView transport = seen.packet.subspan(seen.ip.header_bytes);
  const std::size_t bytes = seen.tcp ? joinable_tcp(transport) : joinable_udp(transport);
  seen.header_bytes = seen.ip.header_bytes + bytes;
  if (bytes == 0) return false;
  seen.push = seen.tcp && (transport[tcp::kFlagsAt] & tcp::kPsh) != 0;
  return true;
}

bool Coalescer::fits(const Train& train, const Seen& seen) {
  const Seen& first = train.first;
  if (train.count == kMaxSegments || train.bytes + seen.payload_bytes() > kMaxBytes ||
      seen.header_bytes != first.header_bytes || seen.payload_bytes() > first.payload_bytes()) {
    return false;
  }
  const std::size_t ip_bytes = first.ip.header_bytes;
  const std::size_t ahead = train.bytes - first.header_bytes;
  return same_ip(first.packet, seen.packet, first.ip.family, train.count) &&
         (!seen.tcp || same_tcp(first.packet.subspan(ip_bytes, first.header_bytes - ip_bytes),
                                seen.packet.subspan(ip_bytes), ahead));
}

bool Coalescer::verify_first(Train& train) {
  if (!train.verified) train.verified = checksums_right(train.first.packet, train.first.ip);
  return train.verified;
}

Coalescer::Train& Coalescer::add_alone(ByteSpan packet) {
  Train& train = trains_[train_count_++];
  train.first.packet = packet;
  train.count = 1;
  return train;
}

void Coalescer::begin(const Seen& seen) {
  if (open_count_ == kMaxFlows) close(0);
  open_[open_count_++] = {seen.ports, static_cast<std::uint16_t>(train_count_)};
  Train& train = add_alone(seen.packet);
  train.first = seen;
  train.bytes = seen.packet.size();
  train.verified = false;
}

void Coalescer::append(std::size_t place, const Seen& seen) {
  Train& train = trains_[open_[place].train];
  const auto link = static_cast<std::uint16_t>(link_count_++);
  links_[link].payload = seen.packet.subspan(seen.header_bytes);
  if (train.count == 1) {
    train.first_link = link;
  } else {
    links_[train.last_link].next = link;
  }
  train.last_link = link;
  ++train.count;
  train.bytes += seen.payload_bytes();
  train.push = seen.push;
  if (seen.push || seen.payload_bytes() < train.first.payload_bytes()) close(place);
}

std::size_t Coalescer::find(const Seen& seen) const {
  std::size_t place = 0;
  for (; place < open_count_; ++place) {
    if (open_[place].ports != seen.ports) continue;
    const Train& train = trains_[open_[place].train];
    if (train.first.tcp == seen.tcp &&
        same_addresses(train.first.packet, train.first.ip, seen.packet, seen.ip)) {
      break;
    }
  }
  return place;
}

void Coalescer::close(std::size_t place) {
  std::copy(open_.begin() + place + 1, open_.begin() + open_count_, open_.begin() + place);
  --open_count_;
}

void Coalescer::close_between(ByteView packet, const IpPacket& ip) {
  for (std::size_t place = open_count_; place-- > 0;) {
    const Seen& first = trains_[open_[place].train].first;
    if (same_addresses(first.packet, first.ip, packet, ip)) close(place);
  }
}

// ---- Handing out ----

std::optional<Coalescer::Write> Coalescer::next() {
  if (handed_out_ == train_count_) {
    train_count_ = link_count_ = open_count_ = handed_out_ = 0;
    return std::nullopt;
  }
  Train& train = trains_[handed_out_++];
  pieces_[0] = train.first.packet;
  std::uint16_t link = train.first_link;
  for (std::size_t i = 1; i < train.count; ++i) {
    pieces_[i] = links_[link].payload;
    link = links_[link].next;
  }
  return Write{train.count == 1 ? OffloadHeader{} : finish(train), {pieces_.data(), train.count}};
}

OffloadHeader Coalescer::finish(Train& train) {
  const Seen& first = train.first;
  const std::size_t ip_bytes = first.ip.header_bytes;
  const std::size_t transport_bytes = train.bytes - ip_bytes;
  std::uint8_t* ip = first.packet.data();
  std::uint8_t* transport = ip + ip_bytes;
  if (first.ip.family == Family::kIpv4) {
    put_field16(train.bytes, ip + ipv4::kTotalLengthAt);
    put_field16(0, ip + ipv4::kChecksumAt);
    Checksum sum;
    sum.add({ip, ip_bytes});
    put_field16(sum.finished(), ip + ipv4::kChecksumAt);
  } else {
    put_field16(transport_bytes, ip + ipv6::kPayloadLengthAt);
  }
  if (!first.tcp) put_field16(transport_bytes, transport + udp::kLengthAt);
  if (train.push) transport[tcp::kFlagsAt] |= tcp::kPsh;
  const std::size_t field = first.tcp ? tcp::kChecksumAt : udp::kChecksumAt;
  put_field16(pseudo_header(first.packet, first.ip, transport_bytes).partial(), transport + field);

  OffloadHeader header;
  header.flags = OffloadHeader::kNeedsChecksum;
  header.gso_type = !first.tcp                         ? OffloadHeader::kUdp
                    : first.ip.family == Family::kIpv4 ? OffloadHeader::kTcp4
                                                       : OffloadHeader::kTcp6;
  header.header_bytes = static_cast<std::uint16_t>(first.header_bytes);
  header.gso_size = static_cast<std::uint16_t>(first.payload_bytes());
  header.checksum_start = static_cast<std::uint16_t>(ip_bytes);
  header.checksum_offset = static_cast<std::uint16_t>(field);
  return header;
}

}  // namespace arctic
