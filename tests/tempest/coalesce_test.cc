// Coalescing is the inverse of cutting, and nothing is joined that cutting would not give back.
#include "runtime/tempest/coalesce.h"

#include <catch2/catch.hpp>
#include <functional>

#include "tests/tempest/batches.h"

namespace arctic::test {
namespace {

using Change = std::function<void(Packet&)>;

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

TEST_CASE("UDP without a checksum is left alone") {
  for (const Packet& packet : one_of_each(0)) {
    if (packet.tcp) continue;
    auto [first, second] = two_parts(packet);
    Packets packets{encode_unsummed(first), encode_unsummed(second)};
    CHECK(coalesce(packets).size() == 2);
    CHECK(cut_again(coalesce(packets)) == packets);
    // Even if none would be needed.
    first = sum_to_zero(first);
    second = sum_to_zero(second);
    CHECK(coalesce({encode(first), encode(second)}).size() == 1);
    packets = {encode_unsummed(first), encode_unsummed(second)};
    CHECK(coalesce(packets).size() == 2);
    CHECK(cut_again(coalesce(packets)) == packets);
  }
}

TEST_CASE("UDP with another length than it has is left alone") {
  for (const Packet& packet : one_of_each(0)) {
    if (packet.tcp) continue;
    const auto [first, second] = two_parts(packet);
    for (const std::size_t length : {107U, 109U}) {
      INFO(name_of(packet) << ", " << length);
      Packets packets{encode(first), encode(second)};
      for (Bytes& bytes : packets) write16(length, bytes.data() + packet.ip_bytes() + 4);
      sum_again(first, packets[0]);
      sum_again(second, packets[1]);
      CHECK(coalesce(packets).size() == 2);
      CHECK(cut_again(coalesce(packets)) == packets);
    }
  }
}

TEST_CASE("TCP with a header that is none is left alone") {
  for (const Packet& packet : one_of_each(0)) {
    if (!packet.tcp) continue;
    auto [first, second] = two_parts(packet);
    second.sequence += 4;  // the bytes that the header lacks would be payload
    Packets packets{encode(first), encode(second)};
    for (Bytes& bytes : packets) bytes[packet.ip_bytes() + 12] = 0x40;
    sum_again(first, packets[0]);
    sum_again(second, packets[1]);
    CHECK(coalesce(packets).size() == 2);
    CHECK(cut_again(coalesce(packets)) == packets);
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

}  // namespace arctic::test
