// Cutting: what comes out is what a host without offloads would have sent, byte for byte.
#include "runtime/tempest/segment.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/tempest/packets.h"

namespace arctic::test {
namespace {

/// As the kernel hands over a packet that is still to be cut.
OffloadHeader header_of(const Packet& packet, std::size_t gso_size) {
  OffloadHeader header;
  header.flags = OffloadHeader::kNeedsChecksum;
  header.gso_type = !packet.tcp                      ? OffloadHeader::kUdp
                    : packet.family == Family::kIpv4 ? OffloadHeader::kTcp4
                                                     : OffloadHeader::kTcp6;
  header.gso_size = static_cast<std::uint16_t>(gso_size);
  header.checksum_start = static_cast<std::uint16_t>(packet.ip_bytes());
  header.checksum_offset = static_cast<std::uint16_t>(packet.checksum_at() - packet.ip_bytes());
  return header;
}

OffloadHeader checksum_only(const Packet& packet) {
  OffloadHeader header = header_of(packet, 0);
  header.gso_type = OffloadHeader::kNone;
  return header;
}

/// The segment, in room of exactly its size.
Bytes written(const SuperPacket& super, std::size_t i) {
  Bytes out(super.size(i));
  super.write(i, out.data());
  return out;
}

void check_cut(const Packet& packet, std::size_t gso_size) {
  Bytes bytes = encode_partial(packet);
  const auto super = SuperPacket::parse(header_of(packet, gso_size), bytes);
  REQUIRE(super);
  REQUIRE(super->count() == (packet.payload.size() + gso_size - 1) / gso_size);
  for (std::size_t i = 0; i < super->count(); ++i) {
    INFO("segment " << i);
    REQUIRE(written(*super, i) == encode(part_of(packet, i, gso_size)));
  }
}

}  // namespace

TEST_CASE("the offload header as linux/virtio_net.h has it") {
  const std::uint16_t numbers[] = {0x1234, 0x5678, 0x9abc, 0xdef0};
  std::uint8_t bytes[10] = {1, 0x81};
  std::memcpy(bytes + 2, numbers, sizeof numbers);
  const OffloadHeader header = decode_offload(bytes);
  CHECK(header == OffloadHeader{1, 0x81, 0x1234, 0x5678, 0x9abc, 0xdef0});
  std::uint8_t again[OffloadHeader::kBytes];
  encode_offload(header, again);
  CHECK(std::memcmp(bytes, again, sizeof bytes) == 0);
}

TEST_CASE("an ordinary packet stays where and as it is") {
  for (const Packet& packet : one_of_each(1000)) {
    Bytes bytes = encode(packet);
    const auto super = SuperPacket::parse({}, bytes);
    REQUIRE(super);
    CHECK(super->count() == 1);
    CHECK(super->packet().data() == bytes.data());
    CHECK(super->size(0) == bytes.size());
    CHECK(bytes == encode(packet));
    CHECK(written(*super, 0) == bytes);
  }
}

TEST_CASE("a checksum that was left to the device is completed in place") {
  for (const std::size_t payload : {0U, 1U, 99U, 1000U}) {
    for (const Packet& packet : one_of_each(payload)) {
      INFO(name_of(packet) << ", " << payload << " bytes");
      Bytes bytes = encode_partial(packet);
      const auto super = SuperPacket::parse(checksum_only(packet), bytes);
      REQUIRE(super);
      CHECK(super->count() == 1);
      CHECK(bytes == encode(packet));
    }
  }
}

TEST_CASE("a UDP checksum that comes out as zero is sent as ones") {
  for (const Packet& any : one_of_each(100)) {
    if (any.tcp) continue;
    Packet packet = sum_to_zero(any);
    REQUIRE(read16(encode(packet).data() + packet.checksum_at()) == 0xffff);

    Bytes bytes = encode_partial(packet);
    REQUIRE(SuperPacket::parse(checksum_only(packet), bytes));
    CHECK(bytes == encode(packet));

    append(Bytes(packet.payload), packet.payload);
    check_cut(packet, 100);
    CHECK(read16(encode(part_of(packet, 1, 100)).data() + packet.checksum_at()) == 0xffff);
  }
}

TEST_CASE("segments are what a host without offloads sends") {
  for (const std::size_t gso_size : {1U, 7U, 536U, 1368U, 1400U, 8999U}) {
    for (const std::size_t payload : {2U, 15U, 1400U, 1401U, 2800U, 9000U, 20001U, 65000U}) {
      if (payload <= gso_size || payload / gso_size > 3000) continue;
      for (Packet packet : one_of_each(payload)) {
        INFO(name_of(packet) << ", " << payload << " bytes by " << gso_size);
        check_cut(packet, gso_size);
        packet.tcp_options = timestamps();
        if (packet.tcp) check_cut(packet, gso_size);
      }
    }
  }
}

TEST_CASE("the largest packets of both families") {
  for (Packet packet : one_of_each(0)) {
    const std::size_t most = packet.family == Family::kIpv4 ? 65535 : 65575;
    packet.payload = some_bytes(most - packet.header_bytes());
    INFO(name_of(packet));
    check_cut(packet, 1400);
  }
}

TEST_CASE("what is repeated, and what is not") {
  struct Case {
    const char* what;
    void (*change)(Packet&);
  };
  const Case cases[] = {
      {"FIN and PSH on the last", [](Packet& p) { p.flags = kAck | kFin | kPsh; }},
      {"CWR on the first", [](Packet& p) { p.flags = kAck | kCwr | kEce | kPsh; }},
      {"URG and its pointer", [](Packet& p) { p.flags = kAck | kUrg, p.urgent = 5; }},
      {"the bits beside the data offset", [](Packet& p) { p.reserved = 5; }},
      {"a sequence number that wraps", [](Packet& p) { p.sequence = 0xfffffff0; }},
      {"an identification that wraps", [](Packet& p) { p.identification = 0xffff; }},
      {"no DF", [](Packet& p) { p.fragment = 0; }},
      {"traffic class, TTL and flow label",
       [](Packet& p) { p.traffic_class = 0x2b, p.ttl = 3, p.flow_label = 0x54321; }},
      {"forty bytes of options", [](Packet& p) { p.tcp_options = Bytes(40, 1); }},
      {"options of IPv4", [](Packet& p) { p.ip_options = Bytes(40, 1); }},
      {"an extension header",
       [](Packet& p) { p.extension = 60, p.extensions = {p.protocol(), 0, 1, 4, 0, 0, 0, 0}; }},
      {"three extension headers",
       [](Packet& p) {
         p.extensions = {60, 0, 1, 4, 0, 0, 0, 0, 43, 1, 1, 12};
         p.extensions.resize(24);
         append(Bytes{p.protocol(), 0, 4, 0, 0, 0, 0, 0}, p.extensions);
       }},
  };
  for (const Case& each : cases) {
    for (Packet packet : one_of_each(5000)) {
      each.change(packet);
      INFO(name_of(packet) << ": " << each.what);
      check_cut(packet, 1100);
    }
  }
}

TEST_CASE("the ECN bit changes nothing") {
  for (Packet packet : one_of_each(3000)) {
    if (!packet.tcp) continue;
    packet.flags = kAck | kCwr;
    OffloadHeader header = header_of(packet, 1000);
    header.gso_type |= OffloadHeader::kEcn;
    Bytes bytes = encode_partial(packet);
    const auto super = SuperPacket::parse(header, bytes);
    REQUIRE(super);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(written(*super, i) == encode(part_of(packet, i, 1000)));
    }
  }
}

TEST_CASE("with a routing header the kernel's sum holds, which has the last address in it") {
  for (Packet packet : one_of_each(3000)) {
    if (packet.family == Family::kIpv4) continue;
    packet.extension = 43;
    packet.extensions = {packet.protocol(), 0, 4, 1, 0, 0, 0, 0};
    Bytes bytes = encode_partial(packet);
    bytes[39] ^= 0x55;  // on its way it goes to another address first
    const auto super = SuperPacket::parse(header_of(packet, 1000), bytes);
    REQUIRE(super);
    for (std::size_t i = 0; i < 3; ++i) {
      Bytes expected = encode(part_of(packet, i, 1000));
      expected[39] ^= 0x55;
      CHECK(written(*super, i) == expected);
    }
  }
}

TEST_CASE("one segment is a packet, completed in place") {
  for (const std::size_t payload : {0U, 1U, 1399U, 1400U}) {
    for (Packet packet : one_of_each(payload)) {
      packet.flags = kAck | kFin | kPsh | kCwr;
      Bytes bytes = encode_partial(packet);
      const auto super = SuperPacket::parse(header_of(packet, 1400), bytes);
      REQUIRE(super);
      CHECK(super->count() == 1);
      CHECK(bytes == encode(packet));
    }
  }
}

TEST_CASE("what follows the packet's own length is left off") {
  for (const Packet& packet : one_of_each(3000)) {
    Bytes bytes = encode_partial(packet);
    append(Bytes(100, 0xaa), bytes);
    const auto super = SuperPacket::parse(header_of(packet, 1400), bytes);
    REQUIRE(super);
    REQUIRE(super->count() == 3);
    CHECK(written(*super, 2) == encode(part_of(packet, 2, 1400)));
    const auto alone = SuperPacket::parse(checksum_only(packet), bytes);
    REQUIRE(alone);
    CHECK(Bytes(alone->packet().begin(), alone->packet().end()) == encode(packet));
  }
}

TEST_CASE("a header and a packet that contradict each other") {
  struct Case {
    const char* what;
    void (*change)(OffloadHeader&, Bytes&);
    bool tcp_only = false;
  };
  const Case cases[] = {
      {"an unknown type", [](OffloadHeader& h, Bytes&) { h.gso_type = 3; }},
      {"another unknown type", [](OffloadHeader& h, Bytes&) { h.gso_type |= 0x10; }},
      {"the other transport's type",
       [](OffloadHeader& h, Bytes& b) {
         h.gso_type = h.gso_type != 5 ? 5 : b[0] >> 4 == 4 ? 1 : 4;
         h.checksum_offset = h.gso_type == 5 ? 6 : 16;
       }},
      {"the other family's type",
       [](OffloadHeader& h, Bytes&) { h.gso_type = h.gso_type == 1 ? 4 : 1; }, true},
      {"ECN without TCP", [](OffloadHeader& h, Bytes&) { h.gso_type = 0x85; }},
      {"no size", [](OffloadHeader& h, Bytes&) { h.gso_size = 0; }},
      {"a checksum that is not left to us", [](OffloadHeader& h, Bytes&) { h.flags = 0; }},
      {"a transport that begins early", [](OffloadHeader& h, Bytes&) { h.checksum_start -= 4; }},
      {"a transport that begins late", [](OffloadHeader& h, Bytes&) { h.checksum_start += 4; }},
      {"a transport outside", [](OffloadHeader& h, Bytes&) { h.checksum_start = 0xffff; }},
      {"another field", [](OffloadHeader& h, Bytes&) { h.checksum_offset += 2; }},
      {"another protocol", [](OffloadHeader&, Bytes& b) { b[b[0] >> 4 == 4 ? 9 : 6] = 47; }},
      {"a short data offset", [](OffloadHeader& h, Bytes& b) { b[h.checksum_start + 12U] = 0x40; },
       true},
      {"neither IPv4 nor IPv6", [](OffloadHeader&, Bytes& b) { b[0] = 0x55; }},
      {"less than it says", [](OffloadHeader&, Bytes& b) { b.pop_back(); }},
      {"nothing", [](OffloadHeader&, Bytes& b) { b.clear(); }},
  };
  for (const Case& each : cases) {
    for (const Packet& packet : one_of_each(3000)) {
      if (each.tcp_only && !packet.tcp) continue;
      INFO(name_of(packet) << ": " << each.what);
      OffloadHeader header = header_of(packet, 1000);
      Bytes bytes = encode_partial(packet);
      CHECK(SuperPacket::parse(header, bytes));
      bytes = encode_partial(packet);
      each.change(header, bytes);
      CHECK_FALSE(SuperPacket::parse(header, bytes));
    }
  }
}

TEST_CASE("fragments, and lengths that leave no room for a header, are not cut") {
  for (const Packet& whole : one_of_each(3000)) {
    INFO(name_of(whole));
    Packet packet = whole;
    if (packet.family == Family::kIpv4) {
      for (const int fragment : {0x2000, 0x0001, 0x1fff}) {
        packet.fragment = static_cast<std::uint16_t>(fragment);
        Bytes bytes = encode_partial(packet);
        CHECK_FALSE(SuperPacket::parse(header_of(packet, 1000), bytes));
        CHECK(SuperPacket::parse({}, bytes));
      }
    } else {
      packet.extension = 44;
      packet.extensions = {packet.protocol(), 0, 0, 1, 0, 0, 0, 1};
      Bytes bytes = encode_partial(packet);
      CHECK_FALSE(SuperPacket::parse(header_of(packet, 1000), bytes));
    }
    // The packet's own length ends within its headers.
    for (std::size_t rest = 0; rest < whole.header_bytes() - whole.ip_bytes(); ++rest) {
      Bytes bytes = encode_partial(whole);
      const bool ipv4 = whole.family == Family::kIpv4;
      write16(ipv4 ? 20 + rest : rest, bytes.data() + (ipv4 ? 2 : 4));
      CHECK_FALSE(SuperPacket::parse(header_of(whole, 1000), bytes));
    }
  }
}

TEST_CASE("what is no whole IP packet is none, whatever the header") {
  for (const Packet& packet : one_of_each(50)) {
    const bool ipv4 = packet.family == Family::kIpv4;
    for (std::size_t size = 0; size < packet.ip_bytes() + 4; ++size) {
      INFO(name_of(packet) << ", " << size << " bytes");
      Bytes bytes = encode(packet);
      bytes.resize(size);
      CHECK_FALSE(SuperPacket::parse({}, bytes));
      bytes = encode(packet);
      if (!ipv4) continue;
      write16(size, bytes.data() + 2);
      CHECK(SuperPacket::parse({}, bytes).has_value() == (size >= 20));
      bytes[0] = 0x46;
      CHECK(SuperPacket::parse({}, bytes).has_value() == (size >= 24));
      bytes[0] = 0x44;
      CHECK_FALSE(SuperPacket::parse({}, bytes));
    }
    for (const int version : {0, 3, 5, 7, 15}) {
      Bytes bytes = encode(packet);
      bytes[0] = static_cast<std::uint8_t>(version << 4 | 5);
      CHECK_FALSE(SuperPacket::parse({}, bytes));
    }
  }
}

TEST_CASE("a checksum is completed only inside of the packet") {
  for (const Packet& packet : one_of_each(10)) {
    INFO(name_of(packet));
    const Bytes original = encode_partial(packet);
    const OffloadHeader good = checksum_only(packet);
    for (std::size_t start = 0; start < original.size() + 40; ++start) {
      for (const std::size_t offset : {0U, 6U, 16U, 0xffffU}) {
        OffloadHeader header = good;
        header.checksum_start = static_cast<std::uint16_t>(start);
        header.checksum_offset = static_cast<std::uint16_t>(offset);
        Bytes bytes = original;
        const bool inside = start >= packet.ip_bytes() && start + offset + 2 <= original.size();
        CHECK(SuperPacket::parse(header, bytes).has_value() == inside);
        if (!inside) CHECK(bytes == original);
      }
    }
  }
}

// ---- Hostile bytes: nothing outside is touched, and sizes hold ----

namespace {

void cut_anything(const OffloadHeader& header, Bytes bytes) {
  const auto super = SuperPacket::parse(header, bytes);
  if (!super) return;
  REQUIRE(super->count() >= 1);
  REQUIRE(super->packet().size() <= bytes.size());
  // Thousands of segments differ in nothing that could go wrong.
  const std::size_t few = std::min<std::size_t>(super->count(), 5);
  for (std::size_t i = 0; i < few; ++i) {
    (void)written(*super, i);
    (void)written(*super, super->count() - 1 - i);
  }
}

}  // namespace

TEST_CASE("every truncation, and every bit turned over, of both headers") {
  for (Packet packet : one_of_each(3000)) {
    packet.tcp_options = timestamps();
    if (packet.family == Family::kIpv6) {
      packet.extensions = {packet.protocol(), 0, 1, 4, 0, 0, 0, 0};
    }
    const OffloadHeader good = header_of(packet, 1000);
    const Bytes bytes = encode_partial(packet);
    for (const OffloadHeader& header : {good, checksum_only(packet), OffloadHeader{}}) {
      for (std::size_t size = 0; size <= packet.header_bytes() + 2; ++size) {
        Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        cut_anything(header, part);
        // As if it had been no longer.
        const bool ipv4 = packet.family == Family::kIpv4;
        if (size < (ipv4 ? 20 : 40)) continue;
        write16(ipv4 ? size : size - 40, part.data() + (ipv4 ? 2 : 4));
        cut_anything(header, part);
      }
      for (std::size_t bit = 0; bit < 8 * packet.header_bytes(); ++bit) {
        Bytes turned = bytes;
        turned[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        cut_anything(header, turned);
      }
      for (std::size_t bit = 0; bit < 8 * OffloadHeader::kBytes; ++bit) {
        std::uint8_t raw[OffloadHeader::kBytes];
        encode_offload(header, raw);
        raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        cut_anything(decode_offload(raw), bytes);
      }
    }
  }
}

TEST_CASE("random headers before random changes") {
  std::mt19937_64 random(11);
  const std::vector<Packet> packets = one_of_each(300);
  for (int round = 0; round < 100'000; ++round) {
    const Packet& packet = packets[random() % packets.size()];
    Bytes bytes = encode_partial(packet);
    std::uint8_t raw[OffloadHeader::kBytes];
    encode_offload(header_of(packet, 1 + random() % 200), raw);
    for (auto changes = random() % 4; changes > 0; --changes) {
      raw[random() % sizeof raw] = static_cast<std::uint8_t>(random() % 70);
    }
    for (auto changes = random() % 4; changes > 0; --changes) {
      bytes[random() % 70] = static_cast<std::uint8_t>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    cut_anything(decode_offload(raw), std::move(bytes));
  }
}

}  // namespace arctic::test
