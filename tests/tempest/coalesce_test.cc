// Coalescing: the inverse of cutting, in order within each flow, and only of what is right.
#include "runtime/tempest/coalesce.h"

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>

#include "runtime/tempest/segment.h"
#include "tests/tempest/packets.h"

namespace arctic::test {
namespace {

using Packets = std::vector<Bytes>;

struct Written {
  OffloadHeader header;
  std::size_t packets = 0;
  Bytes bytes;
};

/// One batch, each packet in room of exactly its size.
std::vector<Written> coalesce_with(Coalescer& coalescer, Packets packets) {
  for (Bytes& packet : packets) coalescer.add(packet);
  std::vector<Written> writes;
  while (const auto write = coalescer.next()) {
    Written& out = writes.emplace_back(Written{write->header, write->pieces.size(), {}});
    for (const ByteView piece : write->pieces) {
      out.bytes.insert(out.bytes.end(), piece.begin(), piece.end());
    }
  }
  return writes;
}

std::vector<Written> coalesce(Packets packets, Coalescer::Options options = {}) {
  const auto coalescer = std::make_unique<Coalescer>(options);
  return coalesce_with(*coalescer, std::move(packets));
}

std::vector<std::size_t> sizes_of(const std::vector<Written>& writes) {
  std::vector<std::size_t> sizes;
  for (const Written& write : writes) sizes.push_back(write.packets);
  return sizes;
}

using Sizes = std::vector<std::size_t>;

/// What the kernel makes of the writes.
Packets cut_again(const std::vector<Written>& writes) {
  Packets packets;
  for (const Written& write : writes) {
    if (write.packets == 1) {
      REQUIRE(write.header == OffloadHeader{});
      packets.push_back(write.bytes);
      continue;
    }
    Bytes bytes = write.bytes;
    const auto super = SuperPacket::parse(write.header, bytes);
    REQUIRE(super);
    REQUIRE(super->count() == write.packets);
    REQUIRE(super->packet().size() == bytes.size());
    for (std::size_t i = 0; i < super->count(); ++i) {
      super->write(i, packets.emplace_back(super->size(i)).data());
    }
  }
  return packets;
}

/// Parts of `size` bytes, as they come out of a tunnel.
Packets parts_of(const Packet& whole, std::size_t size) {
  Packets packets;
  for (std::size_t i = 0; i * size < whole.payload.size(); ++i) {
    packets.push_back(encode(part_of(whole, i, size)));
  }
  return packets;
}

using Change = std::function<void(Packet&)>;

/// Two parts of 100 bytes that follow each other.
std::pair<Packet, Packet> two_parts(Packet packet) {
  packet.payload = some_bytes(200);
  return {part_of(packet, 0, 100), part_of(packet, 1, 100)};
}

}  // namespace

TEST_CASE("what was cut is joined to the same bytes, and again") {
  for (const std::size_t size : {1U, 100U, 537U, 1400U}) {
    for (const std::size_t payload : {2U, 101U, 1399U, 2801U, 10000U, 60001U}) {
      if (payload <= size || payload > 64 * size) continue;
      for (Packet packet : one_of_each(payload)) {
        INFO(name_of(packet) << ", " << payload << " bytes by " << size);
        packet.flags = kAck | kPsh;
        if (packet.tcp) packet.tcp_options = timestamps();
        const auto writes = coalesce(parts_of(packet, size));
        REQUIRE(writes.size() == 1);
        CHECK(writes[0].bytes == encode_partial(packet));
        CHECK(cut_again(writes) == parts_of(packet, size));
        CHECK(coalesce(cut_again(writes))[0].bytes == writes[0].bytes);
      }
    }
  }
}

TEST_CASE("the header that the kernel is told") {
  const OffloadHeader expected[] = {{1, OffloadHeader::kTcp4, 52, 100, 20, 16},
                                    {1, OffloadHeader::kUdp, 28, 100, 20, 6},
                                    {1, OffloadHeader::kTcp6, 72, 100, 40, 16},
                                    {1, OffloadHeader::kUdp, 48, 100, 40, 6}};
  std::size_t i = 0;
  for (Packet packet : one_of_each(250)) {
    packet.tcp_options = timestamps();
    const auto writes = coalesce(parts_of(packet, 100));
    REQUIRE(writes.size() == 1);
    CHECK(writes[0].header == expected[i++]);
  }
}

TEST_CASE("a packet alone is left as it is, with a header of zeros") {
  for (const Packet& packet : one_of_each(100)) {
    const auto writes = coalesce({encode(packet)});
    REQUIRE(sizes_of(writes) == Sizes{1});
    CHECK(writes[0].header == OffloadHeader{});
    CHECK(writes[0].bytes == encode(packet));
  }
}

// ---- What is joined ----

TEST_CASE("a second packet that differs is not joined to the first") {
  const bool any = true;
  struct Case {
    const char* what;
    bool of_ipv4;
    bool of_ipv6;
    bool of_tcp;
    bool of_udp;
    Change change;
    bool joins = false;
  };
  const Case cases[] = {
      {"nothing", any, any, any, any, [](Packet&) {}, true},
      {"source", any, any, any, any, [](Packet& p) { p.source = 9; }},
      {"destination", any, any, any, any, [](Packet& p) { p.destination = 9; }},
      {"source port", any, any, any, any, [](Packet& p) { p.source_port++; }},
      {"destination port", any, any, any, any, [](Packet& p) { p.destination_port++; }},
      {"traffic class", any, any, any, any, [](Packet& p) { p.traffic_class = 4; }},
      {"CE", any, any, any, any, [](Packet& p) { p.traffic_class = 3; }},
      {"TTL", any, any, any, any, [](Packet& p) { p.ttl--; }},
      {"DF", any, false, any, any, [](Packet& p) { p.fragment = 0; }},
      {"the reserved flag", any, false, any, any, [](Packet& p) { p.fragment = 0xc000; }},
      {"identification under DF", any, false, any, any, [](Packet& p) { p.identification = 1; },
       true},
      {"flow label", false, any, any, any, [](Packet& p) { p.flow_label = 1; }},
      {"IP options", any, false, any, any, [](Packet& p) { p.ip_options = Bytes(4, 1); }},
      {"an extension header", false, any, any, any,
       [](Packet& p) { p.extension = 60, p.extensions = {p.protocol(), 0, 1, 4, 0, 0, 0, 0}; }},
      {"one byte less", any, any, any, any, [](Packet& p) { p.payload.pop_back(); }, true},
      {"one byte more", any, any, any, any, [](Packet& p) { p.payload.push_back(1); }},
      {"no payload", any, any, any, any, [](Packet& p) { p.payload.clear(); }},
      {"one byte is missing before it", any, any, any, false, [](Packet& p) { p.sequence++; }},
      {"one byte is there twice", any, any, any, false, [](Packet& p) { p.sequence--; }},
      {"far ahead", any, any, any, false, [](Packet& p) { p.sequence += 0x80000000U; }},
      {"acknowledgement", any, any, any, false, [](Packet& p) { p.acknowledgement++; }},
      {"window", any, any, any, false, [](Packet& p) { p.window++; }},
      {"urgent pointer", any, any, any, false, [](Packet& p) { p.urgent = 1; }},
      {"a reserved bit", any, any, any, false, [](Packet& p) { p.reserved = 1; }},
      {"options", any, any, any, false, [](Packet& p) { p.tcp_options = timestamps(); }},
      {"FIN", any, any, any, false, [](Packet& p) { p.flags |= kFin; }},
      {"SYN", any, any, any, false, [](Packet& p) { p.flags |= kSyn; }},
      {"RST", any, any, any, false, [](Packet& p) { p.flags |= kRst; }},
      {"PSH", any, any, any, false, [](Packet& p) { p.flags |= kPsh; }, true},
      {"no ACK", any, any, any, false, [](Packet& p) { p.flags = 0; }},
      {"URG", any, any, any, false, [](Packet& p) { p.flags |= kUrg; }},
      {"ECE", any, any, any, false, [](Packet& p) { p.flags |= kEce; }},
      {"CWR", any, any, any, false, [](Packet& p) { p.flags |= kCwr; }},
  };
  for (const Case& each : cases) {
    for (const Packet& packet : one_of_each(0)) {
      const bool ipv4 = packet.family == Family::kIpv4;
      if (!(ipv4 ? each.of_ipv4 : each.of_ipv6)) continue;
      if (!(packet.tcp ? each.of_tcp : each.of_udp)) continue;
      INFO(name_of(packet) << ": " << each.what);
      auto [first, second] = two_parts(packet);
      each.change(second);
      const Packets packets{encode(first), encode(second)};
      const auto writes = coalesce(packets);
      CHECK(sizes_of(writes) == (each.joins ? Sizes{2} : Sizes{1, 1}));
      if (!each.joins) CHECK(cut_again(writes) == packets);
    }
  }
}

TEST_CASE("what both packets have, and so are joined or not") {
  struct Case {
    const char* what;
    bool joins;
    Change change;
  };
  const Case cases[] = {
      {"ECE", true, [](Packet& p) { p.flags |= kEce; }},
      {"options", true, [](Packet& p) { p.tcp_options = timestamps(); }},
      {"the most options", true, [](Packet& p) { p.tcp_options = Bytes(40, 1); }},
      {"CE", true, [](Packet& p) { p.traffic_class = 3; }},
      {"a flow label", true, [](Packet& p) { p.flow_label = 0xfffff; }},
      {"an identification that follows", true, [](Packet& p) { p.fragment = 0; }},
      {"one that wraps", true,
       [](Packet& p) {
         p.fragment = 0;
         p.identification = p.identification == 500 ? 0xffff : 0;
       }},
      {"an urgent pointer that does not count", true, [](Packet& p) { p.urgent = 3; }},
  };
  for (const Case& each : cases) {
    for (const Packet& packet : one_of_each(0)) {
      INFO(name_of(packet) << ": " << each.what);
      auto [first, second] = two_parts(packet);
      each.change(first);
      each.change(second);
      const Packets packets{encode(first), encode(second)};
      const auto writes = coalesce(packets);
      CHECK(sizes_of(writes) == (each.joins ? Sizes{2} : Sizes{1, 1}));
      CHECK(cut_again(writes) == packets);
    }
  }
}

TEST_CASE("what both TCP segments have that keeps each alone") {
  const std::pair<const char*, Change> cases[] = {
      {"FIN", [](Packet& p) { p.flags |= kFin; }},
      {"SYN", [](Packet& p) { p.flags |= kSyn; }},
      {"RST", [](Packet& p) { p.flags |= kRst; }},
      {"URG", [](Packet& p) { p.flags |= kUrg; }},
      {"CWR", [](Packet& p) { p.flags |= kCwr; }},
      {"no ACK", [](Packet& p) { p.flags = 0; }},
      {"PSH", [](Packet& p) { p.flags |= kPsh; }},
      {"a reserved bit", [](Packet& p) { p.reserved = 1; }},
      {"the reserved flag", [](Packet& p) { p.fragment = 0xc000; }},
      {"an extension header",
       [](Packet& p) { p.extension = 60, p.extensions = {p.protocol(), 0, 1, 4, 0, 0, 0, 0}; }},
      {"IP options", [](Packet& p) { p.ip_options = Bytes(4, 1); }},
  };
  for (const auto& [what, change] : cases) {
    for (const Packet& packet : one_of_each(0)) {
      auto [first, second] = two_parts(packet);
      change(first);
      change(second);
      if (encode(first) == encode(two_parts(packet).first)) continue;  // not of this kind
      INFO(name_of(packet) << ": " << what);
      const Packets packets{encode(first), encode(second)};
      const auto writes = coalesce(packets);
      CHECK(sizes_of(writes) == Sizes{1, 1});
      CHECK(cut_again(writes) == packets);
    }
  }
}

TEST_CASE("without DF the identification must go up by one each") {
  for (const Packet& packet : one_of_each(0)) {
    if (packet.family == Family::kIpv6) continue;
    for (const int step : {-1, 0, 1, 2}) {
      auto [first, second] = two_parts(packet);
      first.fragment = second.fragment = 0;
      second.identification = static_cast<std::uint16_t>(first.identification + step);
      INFO(name_of(packet) << ", a step of " << step);
      CHECK(coalesce({encode(first), encode(second)}).size() == (step == 1 ? 1 : 2));
    }
  }
}

TEST_CASE("UDP without a checksum, or with a length of its own, is left alone") {
  for (const Packet& packet : one_of_each(0)) {
    if (packet.tcp) continue;
    const auto [first, second] = two_parts(packet);
    Packets unsummed{encode_unsummed(first), encode_unsummed(second)};
    CHECK(cut_again(coalesce(unsummed)) == unsummed);
    CHECK(coalesce(unsummed).size() == 2);
    for (const int change : {-1, 1}) {
      // The checksum is made right, so that it is the length alone.
      Packets other{encode(first), encode(second)};
      for (Bytes& bytes : other) {
        std::uint8_t* udp = bytes.data() + packet.ip_bytes();
        write16(static_cast<std::size_t>(read16(udp + 4) + change), udp + 4);
        const std::size_t swung =
            read16(udp + 6) + 0xffffU - static_cast<std::size_t>(change + 1) + 1;
        write16(swung % 0xffff, udp + 6);
      }
      CHECK(coalesce(other).size() == 2);
      CHECK(cut_again(coalesce(other)) == other);
    }
  }
}

TEST_CASE("what closes a super-packet") {
  for (const Packet& each : one_of_each(500)) {
    INFO(name_of(each));
    const Packets parts = parts_of(each, 100);
    CHECK(sizes_of(coalesce(parts)) == Sizes{5});

    // A shorter one is the last; what follows it begins anew.
    Packet with_short = each;
    with_short.payload.resize(250);
    Packets packets = parts_of(with_short, 100);
    Packet rest = each;
    rest.sequence += 250;
    rest.identification = static_cast<std::uint16_t>(rest.identification + 3);
    rest.payload.resize(200);
    for (const Bytes& part : parts_of(rest, 50)) packets.push_back(part);
    CHECK(sizes_of(coalesce(packets)) == Sizes{3, 4});
    CHECK(cut_again(coalesce(packets)) == packets);
    if (!each.tcp) continue;

    // So is one with PSH.
    packets = parts;
    Packet pushed = part_of(each, 2, 100);
    pushed.flags |= kPsh;
    packets[2] = encode(pushed);
    const auto writes = coalesce(packets);
    CHECK(sizes_of(writes) == Sizes{3, 2});
    CHECK((writes[0].bytes[each.ip_bytes() + 13] & kPsh) != 0);
    CHECK((writes[1].bytes[each.ip_bytes() + 13] & kPsh) == 0);
    CHECK(cut_again(writes) == packets);
  }
}

TEST_CASE("64 packets and 65535 bytes are the most") {
  for (Packet packet : one_of_each(130)) {
    INFO(name_of(packet));
    CHECK(sizes_of(coalesce(parts_of(packet, 1))) == Sizes{64, 64, 2});
    for (const std::size_t size : {1300U, 1400U, 8000U}) {
      packet.payload = some_bytes(65535 - packet.header_bytes());
      const auto most = coalesce(parts_of(packet, size));
      CHECK(most.size() == 1);
      CHECK(most[0].bytes.size() == 65535);
      CHECK(cut_again(most) == parts_of(packet, size));
      packet.payload.push_back(1);
      const auto more = coalesce(parts_of(packet, size));
      CHECK(more.size() == 2);
      CHECK(cut_again(more) == parts_of(packet, size));
    }
  }
}

TEST_CASE("what the TUN does not take is not made") {
  for (const Packet& packet : one_of_each(300)) {
    const Packets parts = parts_of(packet, 100);
    CHECK(coalesce(parts, {true, false}).size() == (packet.tcp ? 1 : 3));
    CHECK(coalesce(parts, {false, true}).size() == (packet.tcp ? 3 : 1));
    CHECK(cut_again(coalesce(parts, {false, false})) == parts);
  }
}

// ---- Checksums ----

TEST_CASE("a packet with any bit wrong goes on alone as it came, and in its place") {
  for (const Packet& packet : one_of_each(300)) {
    INFO(name_of(packet));
    const Packets parts = parts_of(packet, 100);
    const std::size_t bits = 8 * (packet.header_bytes() + 2);
    for (std::size_t wrong = 0; wrong < parts.size(); ++wrong) {
      for (std::size_t bit = 0; bit < bits; ++bit) {
        INFO("packet " << wrong << ", bit " << bit);
        Packets packets = parts;
        packets[wrong][bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const auto writes = coalesce(packets);
        const Packets out = cut_again(writes);
        REQUIRE(out.size() == packets.size());
        // With another address or port it may pass the others.
        const auto at = std::find_if(out.begin(), out.end(), [&](const Bytes& bytes) {
          return std::equal(bytes.begin(), bytes.end(), packets[wrong].begin());
        });
        REQUIRE(at != out.end());
        // A length of its own that is shorter may have cut it.
        const auto cut = packets[wrong].size() - at->size();
        REQUIRE((cut == 0 || bit / 8 == 3 || bit / 8 == 2 || bit / 8 == 4 || bit / 8 == 5));
        for (const Written& write : writes) {
          if (write.bytes.size() == at->size() && write.bytes == *at) REQUIRE(write.packets == 1);
        }
      }
    }
  }
}

TEST_CASE("a wrong checksum of the first is found when a second comes") {
  for (const Packet& packet : one_of_each(400)) {
    INFO(name_of(packet));
    Packets packets = parts_of(packet, 100);
    packets[0].back() ^= 1;
    CHECK(sizes_of(coalesce(packets)) == Sizes{1, 3});
    CHECK(cut_again(coalesce(packets)) == packets);
    packets[1].back() ^= 1;
    CHECK(sizes_of(coalesce(packets)) == Sizes{1, 1, 2});
    packets[2].back() ^= 1;
    packets[3].back() ^= 1;
    CHECK(sizes_of(coalesce(packets)) == Sizes{1, 1, 1, 1});
    CHECK(cut_again(coalesce(packets)) == packets);
  }
}

// ---- Order ----

TEST_CASE("what cannot be joined keeps its place in the flow") {
  struct Case {
    const char* what;
    bool of_tcp;
    bool of_udp;
    std::function<Bytes(Packet)> between;
  };
  const auto with_flags = [](unsigned flags) {
    return [flags](Packet p) {
      p.flags = static_cast<std::uint8_t>(flags);
      return encode(p);
    };
  };
  const Case cases[] = {
      {"an ACK", true, false, [](Packet p) { return p.payload.clear(), encode(p); }},
      {"SYN", true, false, with_flags(kSyn)},
      {"FIN", true, false, with_flags(kFin | kAck)},
      {"RST", true, false, with_flags(kRst)},
      {"URG", true, false, with_flags(kUrg | kAck)},
      {"CWR", true, false, with_flags(kCwr | kAck)},
      {"PSH out of turn", true, false,
       [](Packet p) {
         p.flags |= kPsh;
         p.sequence += 5000;
         return encode(p);
       }},
      {"an empty datagram", false, true, [](Packet p) { return p.payload.clear(), encode(p); }},
      {"one without a checksum", false, true, [](Packet p) { return encode_unsummed(p); }},
      {"a wrong checksum", true, true,
       [](Packet p) {
         Bytes bytes = encode(p);
         bytes.back() ^= 1;
         return bytes;
       }},
      {"IP options or an extension header", true, true,
       [](Packet p) {
         p.ip_options = Bytes(8, 1);
         p.extension = 60, p.extensions = {p.protocol(), 0, 1, 4, 0, 0, 0, 0};
         return encode(p);
       }},
      {"a fragment", true, true,
       [](Packet p) {
         p.fragment = 0x2001;
         p.extension = 44, p.extensions = {p.protocol(), 0, 0, 1, 0, 0, 0, 1};
         return encode(p);
       }},
      {"one without room for ports", true, true,
       [](Packet p) {
         p.payload.clear();
         Bytes bytes = encode(p);
         bytes.resize(p.ip_bytes() + 3);
         const bool ipv4 = p.family == Family::kIpv4;
         write16(ipv4 ? 23 : 3, bytes.data() + (ipv4 ? 2 : 4));
         return bytes;
       }},
      {"one that is not whole", true, true,
       [](Packet p) {
         Bytes bytes = encode(p);
         bytes.pop_back();
         return bytes;
       }},
      {"one of another family's look", true, true,
       [](Packet p) {
         Bytes bytes = encode(p);
         bytes[0] = 0x55;
         return bytes;
       }},
  };
  for (const Case& each : cases) {
    for (const Packet& packet : one_of_each(0)) {
      if (!(packet.tcp ? each.of_tcp : each.of_udp)) continue;
      INFO(name_of(packet) << ": " << each.what);
      const auto [first, second] = two_parts(packet);
      const Packets packets{encode(first), each.between(second), encode(second)};
      const auto writes = coalesce(packets);
      CHECK(sizes_of(writes) == Sizes{1, 1, 1});
      CHECK(cut_again(writes) == packets);
    }
  }
}

TEST_CASE("another flow between two packets does not part them") {
  struct Case {
    const char* what;
    Change change;
  };
  const Case cases[] = {
      {"another source", [](Packet& p) { p.source = 9; }},
      {"another destination", [](Packet& p) { p.destination = 9; }},
      {"another port", [](Packet& p) { p.destination_port = 80; }},
      {"the ports the other way around",
       [](Packet& p) { std::swap(p.source_port, p.destination_port); }},
      {"the other transport", [](Packet& p) { p.tcp = !p.tcp; }},
      {"the other family",
       [](Packet& p) { p.family = p.family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4; }},
      {"a fragment between others", [](Packet& p) { p.source = 9, p.fragment = 0x2000; }},
  };
  for (const Case& each : cases) {
    for (const Packet& packet : one_of_each(0)) {
      INFO(name_of(packet) << ": " << each.what);
      const auto [first, second] = two_parts(packet);
      Packet other = second;
      each.change(other);
      const auto writes = coalesce({encode(first), encode(other), encode(second)});
      REQUIRE(sizes_of(writes) == Sizes{2, 1});
      CHECK(writes[1].bytes == encode(other));
    }
  }
}

TEST_CASE("sixteen flows go on side by side; with one more the oldest is closed") {
  for (const std::size_t flows : {1U, 15U, 16U, 17U, 40U}) {
    Packets packets;
    for (std::size_t part = 0; part < 2; ++part) {
      for (std::size_t flow = 0; flow < flows; ++flow) {
        Packet packet = one_of_each(200)[flow % 4];
        packet.source_port = static_cast<std::uint16_t>(1000 + flow);
        packets.push_back(encode(part_of(packet, part, 100)));
      }
    }
    INFO(flows << " flows");
    CHECK(coalesce(packets).size() == (flows <= 16 ? flows : 2 * flows));
  }
  // The flow that began first is closed, the others go on.
  Packets packets;
  const auto add = [&](std::size_t flow, std::size_t part) {
    Packet packet = one_of_each(200)[0];
    packet.source_port = static_cast<std::uint16_t>(1000 + flow);
    packets.push_back(encode(part_of(packet, part, 100)));
  };
  for (std::size_t flow = 0; flow < 17; ++flow) add(flow, 0);
  for (std::size_t flow = 17; flow-- > 1;) add(flow, 1);
  add(0, 1);
  CHECK(coalesce(packets).size() == 18);
}

TEST_CASE("a full batch, and the next one in the same place") {
  const auto coalescer = std::make_unique<Coalescer>(Coalescer::Options{});
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t flows : {1U, 3U, 512U}) {
      Packets packets;
      for (std::size_t i = 0; i < Coalescer::kMaxBatch; ++i) {
        Packet packet = one_of_each(51200)[0];
        packet.source_port = static_cast<std::uint16_t>(1000 + i % flows);
        CHECK_FALSE(coalescer->full());
        packets.push_back(encode(part_of(packet, i / flows, 100)));
        if (i + 1 < Coalescer::kMaxBatch) continue;
        for (Bytes& each : packets) coalescer->add(each);
        CHECK(coalescer->full());
      }
      std::size_t writes = 0;
      while (coalescer->next()) ++writes;
      CHECK(writes == (flows == 1 ? 8 : flows == 3 ? 9 : 512));
      CHECK_FALSE(coalescer->full());
    }
  }
  CHECK(coalesce_with(*coalescer, {}).empty());
}

// ---- Any mix, against what came in ----

namespace {

/// Address, protocol and ports; of what has none, all that is there.
Bytes flow_of(const Bytes& packet) {
  const bool ipv4 = packet[0] >> 4 == 4;
  const auto begin = packet.begin() + (ipv4 ? 12 : 8);
  Bytes flow(begin, begin + (ipv4 ? 8 : 32));
  flow.push_back(packet[ipv4 ? 9 : 6]);
  const std::size_t transport = ipv4 ? std::size_t{packet[0] & 15U} * 4 : 40;
  if (packet.size() >= transport + 4) {
    const auto ports = packet.begin() + static_cast<std::ptrdiff_t>(transport);
    flow.insert(flow.end(), ports, ports + 4);
  }
  return flow;
}

/// Under DF the identification says nothing and may be another.
Bytes without_identification(Bytes packet) {
  if (packet[0] != 0x45 || (packet[6] & 0x40) == 0) return packet;
  if (naive_sum(ByteView(packet).first(20)) != 0xffff) return packet;
  write16(0, packet.data() + 4);
  write16(0, packet.data() + 10);
  return packet;
}

std::map<Bytes, Packets> by_flow(const Packets& packets) {
  std::map<Bytes, Packets> flows;
  for (const Bytes& packet : packets) {
    flows[flow_of(packet)].push_back(without_identification(packet));
  }
  return flows;
}

/// A sender with a mind of its own.
class Sender {
 public:
  Sender(Packet packet, std::uint64_t seed) : packet_(std::move(packet)), random_(seed) {
    packet_.identification = static_cast<std::uint16_t>(random_());
    packet_.sequence = static_cast<std::uint32_t>(random_());
    if (one_in(2)) packet_.fragment = 0;
    if (one_in(2)) packet_.tcp_options = timestamps();
  }

  Bytes next() {
    if (one_in(40)) size_ = 1 + random_() % 1400;
    Packet sent = packet_;
    sent.payload = some_bytes(one_in(20) ? random_() % size_ : size_, random_());
    packet_.sequence += static_cast<std::uint32_t>(sent.payload.size());
    packet_.identification++;
    disturb(sent);
    Bytes bytes = encode(sent);
    if (one_in(50))
      bytes[random_() % bytes.size()] ^= static_cast<std::uint8_t>(1 + random_() % 255);
    return bytes;
  }

  [[nodiscard]] bool one_in(unsigned chance) { return random_() % chance == 0; }

 private:
  void disturb(Packet& sent) {
    if (one_in(15)) sent.flags |= kPsh;
    if (one_in(60)) sent.flags = static_cast<std::uint8_t>(random_());
    if (one_in(40)) packet_.acknowledgement++;
    if (one_in(40)) packet_.window = static_cast<std::uint16_t>(random_());
    if (one_in(100)) sent.traffic_class = 3;
    if (one_in(100)) sent.ttl = 3;
    if (one_in(100)) sent.ip_options = Bytes(4, 1);
    if (one_in(100)) packet_.tcp_options = timestamps(static_cast<std::uint32_t>(random_()));
    if (one_in(100)) packet_.sequence += 5;
    if (one_in(100)) packet_.identification++;
  }

  Packet packet_;
  std::mt19937_64 random_;
  std::size_t size_ = 100;
};

}  // namespace

TEST_CASE("whatever comes, every flow goes out as it came in") {
  std::mt19937_64 random(12);
  const auto coalescer = std::make_unique<Coalescer>(Coalescer::Options{});
  std::vector<Sender> senders;
  for (std::size_t i = 0; i < 24; ++i) {
    Packet packet = one_of_each(0)[i % 4];
    packet.source_port = static_cast<std::uint16_t>(1000 + i / 8);
    packet.source = static_cast<std::uint8_t>(1 + i / 4 % 2);
    senders.emplace_back(packet, i);
  }
  std::size_t came = 0;
  std::size_t joined = 0;
  while (came < 120'000) {
    Packets packets;
    const std::size_t size = 1 + random() % (random() % 2 == 0 ? 30 : Coalescer::kMaxBatch);
    const std::size_t busy = 1 + random() % senders.size();
    while (packets.size() < size) {
      Sender& sender = senders[random() % busy];
      for (std::size_t run = random() % 60; run > 0 && packets.size() < size; --run) {
        packets.push_back(sender.next());
        const bool lost = random() % 60 == 0;
        if (lost) packets.pop_back();
        const bool late = random() % 60 == 0 && packets.size() > 1;
        if (late) std::swap(packets.back(), packets[packets.size() - 2]);
      }
    }
    came += packets.size();
    const auto writes = coalesce_with(*coalescer, packets);
    Packets out = cut_again(writes);
    for (const Written& write : writes) joined += write.packets - 1;
    // Trailing bytes that a changed length left over are not the flow's.
    REQUIRE(out.size() == packets.size());
    for (Bytes& packet : packets) {
      const auto ip = parse_ip(packet);
      if (ip && (ip->protocol == 6 || ip->protocol == 17) && !ip->fragment &&
          ip->bytes >= ip->header_bytes + 4) {
        packet.resize(ip->bytes);
      }
    }
    REQUIRE(by_flow(out) == by_flow(packets));
  }
  CHECK(joined > came / 2);
}

// ---- Hostile bytes ----

TEST_CASE("every truncation of a packet that would fit") {
  for (Packet packet : one_of_each(300)) {
    packet.tcp_options = timestamps();
    const Packets parts = parts_of(packet, 100);
    for (std::size_t size = 0; size < parts[1].size(); ++size) {
      for (const bool as_said : {false, true}) {
        Packets packets = parts;
        packets[1].resize(size);
        const bool ipv4 = packet.family == Family::kIpv4;
        if (as_said && size >= packet.ip_bytes()) {
          write16(ipv4 ? size : size - 40, packets[1].data() + (ipv4 ? 2 : 4));
        }
        const auto writes = coalesce(packets);
        INFO(name_of(packet) << ", " << size << " bytes");
        REQUIRE(sizes_of(writes) == Sizes{1, 1, 1});
        REQUIRE(cut_again(writes) == packets);
      }
    }
  }
}

TEST_CASE("random changes of any two packets") {
  std::mt19937_64 random(13);
  const auto coalescer = std::make_unique<Coalescer>(Coalescer::Options{});
  const std::vector<Packet> kinds = one_of_each(300);
  for (int round = 0; round < 100'000; ++round) {
    Packets packets = parts_of(kinds[random() % kinds.size()], 100);
    for (auto changes = 1 + random() % 6; changes > 0; --changes) {
      Bytes& packet = packets[random() % packets.size()];
      if (!packet.empty())
        packet[random() % packet.size() % 60] = static_cast<std::uint8_t>(random());
      if (random() % 8 == 0) packet.resize(random() % (packet.size() + 1));
    }
    const auto writes = coalesce_with(*coalescer, packets);
    REQUIRE(cut_again(writes).size() == packets.size());
  }
}

}  // namespace arctic::test
