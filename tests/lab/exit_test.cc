// The far end of the tunnels: what the exit lets out, what it refuses, and where replies go.
//
//   dub, fra (tunnels, played by the test) ══ lon ── wan0 203.0.113.1 ─── server 198.51.100.0/24
//                                                        2001:db8:e::1 2001:db8:f::/48
#include <catch2/catch.hpp>
#include <regex>
#include <set>

#include "tests/lab/talk.h"

using namespace arctic;
using namespace arctic::lab;

namespace {

constexpr const char* kServices = R"(
  - name: from-syd
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    routes:
      - {priority: 1, source_cidr: 10.1.0.0/16, dest_cidr: 198.51.100.0/25}
      - {priority: 1, source_cidr: "fd01::/64", dest_cidr: "2001:db8:f:0::/64"}
      - {priority: 1, dest_cidr: 198.51.100.130/32}
      - {priority: 1, source_cidr: 10.9.0.0/16}
  - name: from-fra
    source_peer: fra
    target_peer: lon
    transport_type: tcp
    routes:
      - {priority: 1, source_cidr: 10.1.0.0/16, dest_cidr: 198.51.100.0/25}
      - {priority: 1, source_cidr: "fd01::/64", dest_cidr: "2001:db8:f:0::/64"}
)";

struct ExitSite {
  Namespace lon;
  Namespace server;
  Folder folder;
  std::optional<Tunnel> syd;
  std::optional<Tunnel> fra;

  ExitSite() {
    stay_on_one_processor();
    connect({&lon, "wan0", {"203.0.113.1/24", "2001:db8:e::1/64"}},
            {&server, "eth0", {"203.0.113.80/24", "2001:db8:e::80/64"}});
    lon.ip("route add default via 203.0.113.80\n-6 route add default via 2001:db8:e::80");
    server.ip(
        "route add default via 203.0.113.1\n-6 route add default via 2001:db8:e::1\n"
        "route add local 198.51.100.0/24 dev lo\n-6 route add local 2001:db8:f::/48 dev lo\n"
        "-6 address add 2001:db8:f::7/128 dev lo nodad");
    for (const Namespace* each : {&lon, &server}) {
      // Every refusal is looked at here; ordinarily the kernel sends some of them a second.
      each->set_sysctl("net/ipv4/icmp_ratelimit", "0");
      each->set_sysctl("net/ipv6/icmp/ratelimit", "0");
    }
    lab::apply(lon, folder, config_of(kServices), "lon");
    syd.emplace(lon, "tp-syd");
    fra.emplace(lon, "tp-fra");
  }
};

Address own(Family family) {
  return address(family == Family::kIpv4 ? "203.0.113.1" : "2001:db8:e::1");
}

Address client_of(Family family) { return road_addresses(family).client; }
Address server_of(Family family) { return road_addresses(family).far; }

/// The sum of the packet counters in a chain of `table inet arctic`.
std::size_t counted(const Namespace& where, const std::string& chain) {
  const std::string text = where.must({"nft", "list", "chain", "inet", "arctic", chain});
  const std::regex counter("counter packets ([0-9]+)");
  std::size_t sum = 0;
  for (std::sregex_iterator each(text.begin(), text.end(), counter), end; each != end; ++each) {
    sum += std::stoul((*each)[1]);
  }
  return sum;
}

/// IPv6 calls an unknown protocol a problem of parameters (4), not an unreachable one.
bool is_error(const Datagram& d) {
  return is_unreachable(d) || (d.protocol == kIcmpv6 && d.icmp_type == 4);
}

bool shows(const std::vector<Seen>& all, const Datagram& datagram) {
  for (const auto& seen : all) {
    if (seen.datagram.to == datagram.to && seen.datagram.protocol == datagram.protocol &&
        seen.datagram.payload == datagram.payload) {
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("what is allowed leaves with the exit's address, and its reply returns by its tunnel") {
  ExitSite site;
  Capture server(site.server, "eth0");
  for (const Family family : kFamilies) {
    for (const std::uint8_t protocol : {kUdp, icmp_of(family), kOdd}) {
      Datagram question = fresh(client_of(family), server_of(family), protocol);
      question.destination_port = protocol == kUdp ? 9 : 1;  // closed: answered by an ICMP error
      INFO(to_string(question));
      site.syd->write(question);
      const auto seen = server.until([&](const Seen& s) {
        return !s.outgoing && s.datagram.protocol == protocol &&
               s.datagram.payload == question.payload;
      });
      CHECK(seen.back().datagram.from == own(family));
      CHECK(seen.back().datagram.to == server_of(family));
      const auto reply = site.syd->read();
      REQUIRE(reply);
      CHECK(reply->from.to_string() == server_of(family).to_string());
      CHECK(reply->to == client_of(family));
      if (protocol == icmp_of(family)) {
        CHECK(reply->payload == question.payload);
      } else {
        CHECK(is_error(*reply));
        // The packet inside is the client's own, not the masqueraded one.
        const auto inner = decode(reply->payload);
        REQUIRE(inner);
        CHECK(inner->from == client_of(family));
      }
      CHECK(site.fra->take().empty());
    }
  }
}

TEST_CASE("what no route of the peer covers is refused, told so and counted") {
  ExitSite site;
  Capture server(site.server, "eth0");
  struct Row {
    const char* what;
    const char* from;
    const char* to;
    bool allowed;
  };
  const Row rows[] = {
      {"both fit", "10.1.0.2", "198.51.100.7", true},
      {"another source", "10.2.0.2", "198.51.100.7", false},
      {"another destination", "10.1.0.2", "198.51.100.200", false},
      {"a destination for any source", "172.16.0.1", "198.51.100.130", true},
      {"a source for any destination", "10.9.0.1", "198.51.100.201", true},
      {"the node itself", "10.1.0.2", "203.0.113.1", false},
      {"the tunnel's own address", "10.1.0.2", "192.0.0.8", false},
      {"IPv6: both fit", "fd01::2", "2001:db8:f::7", true},
      {"IPv6: another source", "fd02::2", "2001:db8:f::7", false},
      {"IPv6: another destination", "fd01::2", "2001:db8:f:1::7", false},
      {"IPv6: the node itself", "fd01::2", "2001:db8:e::1", false},
  };
  for (const auto& row : rows) {
    const Address from = address(row.from);
    for (const std::uint8_t protocol : {kUdp, kTcp, icmp_of(from.family), kEsp}) {
      // The server has no word for ESP; what matters is that it is refused like the rest.
      if (protocol == kEsp && row.allowed) continue;
      Datagram sent = fresh(from, address(row.to), protocol);
      sent.destination_port = 9;
      INFO(row.what << ": " << to_string(sent));
      const std::size_t before = counted(site.lon, "allow_syd");
      site.syd->write(sent);
      const auto answer = site.syd->read();
      REQUIRE(answer);
      CHECK(answer->to.to_string() == from.to_string());
      // 13: communication administratively prohibited; IPv6 says 1.
      const bool refused =
          is_unreachable(*answer) && answer->icmp_code == (from.family == Family::kIpv4 ? 13 : 1);
      CHECK(refused != row.allowed);
      CHECK(counted(site.lon, "allow_syd") - before == (row.allowed ? 0 : 1));
      if (!row.allowed) CHECK_FALSE(shows(server.take(), sent));
    }
  }
}

TEST_CASE("two peers with the same client address and ports stay apart") {
  ExitSite site;
  Capture server(site.server, "eth0");
  for (const Family family : kFamilies) {
    Datagram question = fresh(client_of(family), server_of(family), kUdp);
    const Fd socket = serve(site.server, kUdp, {server_of(family), question.destination_port});
    std::set<std::uint16_t> ports;
    for (Tunnel* tunnel : {&*site.syd, &*site.fra, &*site.syd, &*site.fra}) {
      question.payload = tunnel == &*site.syd ? "from syd" : "from fra";
      tunnel->write(question);
      const auto seen = server.until(
          [&](const Seen& s) { return !s.outgoing && s.datagram.payload == question.payload; });
      ports.insert(seen.back().datagram.source_port);
      const Datagram& arrived = seen.back().datagram;
      CHECK(send_message(socket, {arrived.from, arrived.source_port}, "to " + question.payload) ==
            0);
      const auto reply = tunnel->read();
      REQUIRE(reply);
      CHECK(reply->payload == "to " + question.payload);
      CHECK(reply->to == client_of(family));
      CHECK(reply->destination_port == question.source_port);
    }
    CHECK(ports.size() == 2);
    CHECK(site.syd->take().empty());
    CHECK(site.fra->take().empty());
  }
}

TEST_CASE("flows of others through and from the exit are not touched") {
  ExitSite site;
  for (const Family family : kFamilies) {
    // Into the node, as an administrator's session would be.
    const Fd ssh = serve(site.lon, kTcp, {own(family), 22});
    const Attempt in = dial(site.server, std::nullopt, {own(family), 22});
    REQUIRE(in.connected());
    const auto session = accept_from(ssh);
    REQUIRE(session);
    write_all(session->fd, "welcome");
    CHECK(read_some(in.fd, 7) == "welcome");
    // Out of the node: not its traffic to capture, since it enters no service.
    const Fd http = serve(site.server, kTcp, {server_of(family), 80});
    CHECK(dial(site.lon, std::nullopt, {server_of(family), 80}).connected());
    CHECK(accept_from(http));
    CHECK(site.syd->take().empty());
  }
}

TEST_CASE("Transparent Mode: the server sees the client, behind the exit and on the exit itself") {
  constexpr std::uint32_t kOwnMark = 0x0ff30000;
  ExitSite site;
  for (const Family family : kFamilies) {
    const Place client{client_of(family), 4000};
    const std::pair<const Namespace*, Place> servers[] = {
        {&site.server, {server_of(family), 80}},
        {&site.lon, {own(family), 80}},
    };
    for (const auto& [where, place] : servers) {
      INFO(to_string(place));
      const Fd server = serve(*where, kTcp, place);
      const Attempt attempt = dial_as(site.lon, client, place, kOwnMark);
      REQUIRE(attempt.connected());
      const auto connection = accept_from(server);
      REQUIRE(connection);
      CHECK(connection->remote == client);
      write_all(attempt.fd, "question");
      CHECK(read_some(connection->fd, 8) == "question");
      write_all(connection->fd, "answer");
      CHECK(read_some(attempt.fd, 6) == "answer");
      CHECK(site.syd->take().empty());
    }
  }
}

TEST_CASE("from the client to the server and back through both nodes") {
  const Road road;
  road.apply(config_of(kServices));
  ExitSite site;
  Tunnel entry(road.entry, "tp-lon");
  const Relay relay(entry, *site.syd);
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    const Fd server = serve(site.server, kUdp, {at.far, 53});
    const Fd client = serve(road.client, kUdp, {at.client, 0});
    CHECK(send_message(client, {at.far, 53}, "question") == 0);
    Capture seen(site.server, "eth0");
    CHECK(read_message(server) == "question");
    const Output ping =
        road.client.run({"ping", "-c", "3", "-i", "0.01", "-W", "2", at.far.to_string()});
    INFO(ping.out << ping.err);
    CHECK(ping.status == 0);
    seen.until([&](const Seen& s) {
      return s.datagram.protocol == icmp_of(family) && s.datagram.from == own(family);
    });
  }
  CHECK(relay.carried() > 12);
}
