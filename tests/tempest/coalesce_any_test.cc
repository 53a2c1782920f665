// Coalescing whatever comes: random mixes, losses, changes and cuts, against what went in.
#include <catch2/catch.hpp>
#include <map>

#include "tests/tempest/batches.h"

namespace arctic::test {
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
