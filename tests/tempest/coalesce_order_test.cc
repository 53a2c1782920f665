// Coalescing in order: what closes a super-packet, what goes between, how many flows and packets.
#include <catch2/catch.hpp>
#include <functional>

#include "tests/tempest/batches.h"

namespace arctic::test {
namespace {

using Change = std::function<void(Packet&)>;

}  // namespace

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
         p.source_port = 7;  // no ports are there, whatever it looks like
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
  const Packet whole = one_of_each(51200)[0];
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t flows : {1U, 3U, 512U}) {
      Packets packets;
      for (std::size_t i = 0; i < Coalescer::kMaxBatch; ++i) {
        Packet part = part_of(whole, i / flows, 100);
        part.source_port = static_cast<std::uint16_t>(1000 + i % flows);
        packets.push_back(encode(part));
      }
      for (Bytes& packet : packets) {
        REQUIRE_FALSE(coalescer->full());
        coalescer->add(packet);
      }
      CHECK(coalescer->full());
      std::size_t writes = 0;
      while (coalescer->next()) ++writes;
      CHECK(writes == (flows == 1 ? 8 : flows == 3 ? 9 : 512));
      CHECK_FALSE(coalescer->full());
    }
  }
  CHECK(coalesce_with(*coalescer, {}).empty());
}

}  // namespace arctic::test
