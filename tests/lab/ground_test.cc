// The lab itself, with rules written by hand and nothing of Arctic: if this fails, no other lab
// test can be believed.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/lab/road.h"

using namespace arctic;
using namespace arctic::lab;

TEST_CASE("packets made by hand are read back as they were") {
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    for (const std::uint8_t protocol : {kTcp, kUdp, icmp_of(family), kOdd}) {
      const Datagram sent = fresh(at.client, at.far, protocol);
      const auto read = decode(encode(sent));
      INFO(to_string(sent));
      REQUIRE(read);
      CHECK(read->from == sent.from);
      CHECK(read->to == sent.to);
      CHECK(read->protocol == sent.protocol);
      CHECK(read->flags == sent.flags);
      CHECK(read->payload == sent.payload);
      if (protocol != kOdd) CHECK(read->source_port == sent.source_port);
      CHECK_FALSE(decode(encode(sent).substr(0, 25)));
    }
  }
}

TEST_CASE("a capture sees what is forwarded, and the kernel takes our checksums") {
  const Road road;
  Capture capture(road.wan, "eth0");
  FrameSender sender(road.client, "eth0");
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    for (const std::uint8_t protocol : {kTcp, kUdp, icmp_of(family), kOdd}) {
      const Datagram sent = fresh(at.client, at.control, protocol);
      INFO(to_string(sent));
      sender.send(road.entry.mac("lan0"), sent);
      capture.until([&](const Seen& seen) {
        return !seen.outgoing && seen.datagram.to == sent.to && seen.datagram.protocol == protocol;
      });
      // The server answers each: a reset, an ICMP error or an echo reply.
      capture.until(
          [&](const Seen& seen) { return seen.outgoing && seen.datagram.to == at.client; });
    }
  }
}

TEST_CASE("marked packets go into the tunnel, TCP to the listener, both ways") {
  const Road road;
  road.entry.ip(
      "tuntap add tp-lon mode tun multi_queue\nlink set tp-lon addrgenmode none up\n"
      "address add 192.0.0.8/32 dev tp-lon\n"
      "route add default dev tp-lon table 52001\n-6 route add default dev tp-lon table 52001\n"
      "route add local default dev lo table 52000\n-6 route add local default dev lo table 52000\n"
      "rule add pref 5101 fwmark 0x0ff10000/0x1fff0000 lookup 52000\n"
      "-6 rule add pref 5101 fwmark 0x0ff10000/0x1fff0000 lookup 52000\n"
      "rule add pref 5110 fwmark 0x00010000/0x1fff0000 lookup 52001\n"
      "-6 rule add pref 5110 fwmark 0x00010000/0x1fff0000 lookup 52001");
  road.entry.nft(R"(table inet hand {
    chain prerouting { type filter hook prerouting priority mangle;
      iifname "tp-lon" accept
      socket transparent 1 meta mark set 0x0ff10000 accept
      ip daddr 198.51.100.7 meta l4proto tcp tproxy ip to 127.0.0.1:20001 meta mark set 0x0ff10000 accept
      ip6 daddr 2001:db8:f::7 meta l4proto tcp tproxy ip6 to [::1]:20001 meta mark set 0x0ff10000 accept
      ip daddr 198.51.100.7 meta mark set 0x00010000
      ip6 daddr 2001:db8:f::7 meta mark set 0x00010000
    }
  })");
  Tunnel tunnel(road.entry, "tp-lon");
  Listener listener(road.entry, 20001);
  Capture client(road.client, "eth0");
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    const Attempt attempt = dial(road.client, std::nullopt, {at.far, 443});
    REQUIRE(attempt.connected());
    auto connection = listener.accept();
    REQUIRE(connection);
    CHECK(connection->local == Place{at.far, 443});
    CHECK(connection->remote.address == at.client);
    write_all(attempt.fd, "question");
    CHECK(read_some(connection->fd, 8) == "question");
    write_all(connection->fd, "answer");
    CHECK(read_some(attempt.fd, 6) == "answer");

    CHECK(send_udp(road.client, std::nullopt, {at.far, 53}, "ping") == 0);
    const auto read = tunnel.until([](const Datagram& d) { return d.protocol == kUdp; });
    REQUIRE(read);
    CHECK(read->payload == "ping");
    Datagram reply = *read;
    std::swap(reply.from, reply.to);
    std::swap(reply.source_port, reply.destination_port);
    reply.payload = "pong";
    tunnel.write(reply);
    client.until([](const Seen& seen) { return seen.datagram.payload == "pong"; });
  }
}

TEST_CASE("a refused connection, a silent one and a failing command are told apart") {
  const Road road;
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    CHECK(dial(road.client, std::nullopt, {at.control, 9}).error == ECONNREFUSED);
  }
  road.wan.nft("table inet hand { chain input { type filter hook input priority 0; drop; }; }");
  CHECK(
      dial(road.client, std::nullopt, {road_addresses(Family::kIpv4).control, 9}, Milliseconds{50})
          .error == ETIMEDOUT);
  CHECK(road.client.run({"false"}).status == 1);
  CHECK(road.client.run({"cat"}, std::string(300000, 'x')).out.size() == 300000);
  CHECK_THROWS(road.client.ip("link set nothing up"));
}

TEST_CASE("the folder is real, empty and out of everybody's way") {
  const Folder folder;
  CHECK(std::filesystem::is_empty(folder.path() + "/"));
  const std::string file = folder.write("a", "text");
  CHECK(Namespace().must({"cat", file}) == "text");
}
