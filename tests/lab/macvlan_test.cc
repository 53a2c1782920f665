// Category 1: what comes through a service's own interface, or from its address, is that service's.
//
//   client (LAN host) ── lan0, parent of the MACVLANs svc-lan-a and svc-lan-b on the entry
//   routes to the far side by 10.1.0.9 / fd01::9 (a), 10.1.0.10 / fd01::10 (b), or by the entry
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/lab/talk.h"

using namespace arctic;
using namespace arctic::lab;

namespace {

// `everything` claims all that the two interfaces could see, by all kinds of routes.
constexpr const char* kServices = R"(
  - name: by-a
    id: svc-lan-a
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    interface: {enabled: true, ipv4: 10.1.0.9/16, ipv6: "fd01::9/64"}
  - name: by-b
    id: svc-lan-b-with-a-long-name
    source_peer: syd
    target_peer: fra
    transport_type: tcp
    interface: {enabled: true, ipv4: 10.1.0.10/16, ipv6: "fd01::10/64"}
  - name: everything
    source_peer: syd
    target_peer: nyc
    transport_type: tcp
    routes:
      - {priority: 9, dest_cidr: 0.0.0.0/0}
      - {priority: 9, dest_cidr: "::/0"}
      - {priority: 9, source_cidr: 10.1.0.2/32, dest_cidr: 198.51.100.7/32}
      - {priority: 9, source_cidr: 10.1.0.9/32}
      - {priority: 9, source_cidr: "fd01::2/128", dest_cidr: "2001:db8:f::7/128"}
      - {priority: 9, source_cidr: "fd01::9/128"}
)";

constexpr const char* kLinkB = "svc-lan-b-with-";

struct Exit {
  const char* service;
  Tunnel tunnel;
  Listener listener;

  Exit(const Road& road, const char* name, const char* device)
      : service(name),
        tunnel(road.entry, device),
        listener(road.entry, listen_port(road.folder, name)) {}

  /// Empty if nothing has come here that nobody expected.
  [[nodiscard]] std::string leftover() {
    for (const auto& packet : tunnel.take()) {
      if (packet.protocol == kTcp || packet.protocol == kUdp) return to_string(packet);
    }
    return listener.accept(Milliseconds{0}) ? std::string("a connection") : std::string();
  }
};

/// TCP and UDP from `where` must take `wanted`; the others must stay empty.
void expect(Exit& wanted, std::vector<Exit*> others, const Namespace& where,
            const std::optional<Address>& from, const Address& to) {
  INFO("wanted: " << wanted.service << ", to " << to.to_string());
  CHECK(tcp_talks(where, from, to, wanted.listener) == "");
  CHECK(udp_talks(where, from, to, wanted.tunnel) == "");
  CHECK(icmp_talks(where, from, to, wanted.tunnel) == "");
  for (Exit* other : others) {
    INFO("other: " << other->service);
    CHECK(other->leftover() == "");
  }
}

struct Lan {
  Road road;
  std::optional<Exit> a;
  std::optional<Exit> b;
  std::optional<Exit> rest;

  Lan() {
    // The client must ask who has the addresses of the interfaces.
    road.apply(config_of(kServices));
    a.emplace(road, "by-a", "tp-lon");
    b.emplace(road, "by-b", "tp-fra");
    rest.emplace(road, "everything", "tp-nyc");
  }

  void by(const std::string& gateway4, const std::string& gateway6) const {
    road.client.ip("route replace 198.51.100.0/24 via " + gateway4 +
                   "\n-6 route replace 2001:db8:f::/48 via " + gateway6);
  }
};

nlohmann::json link_of(const Namespace& where, const std::string& name) {
  return nlohmann::json::parse(where.must({"ip", "-j", "-d", "address", "show", "dev", name}))
      .at(0);
}

}  // namespace

TEST_CASE("the interface has its service's name, alias, parent and addresses") {
  const Lan lan;
  struct Row {
    const char* link;
    const char* alias;
    std::set<std::string> addresses;
  };
  const Row rows[] = {
      {"svc-lan-a", "arctic:by-a", {"10.1.0.9/16", "fd01::9/64"}},
      {kLinkB, "arctic:by-b", {"10.1.0.10/16", "fd01::10/64"}},
  };
  for (const auto& row : rows) {
    INFO(row.link);
    const auto link = link_of(lan.road.entry, row.link);
    CHECK(link.at("ifalias") == row.alias);
    CHECK(link.at("link") == "lan0");
    CHECK(link.at("linkinfo").at("info_kind") == "macvlan");
    CHECK(link.at("linkinfo").at("info_data").at("mode") == "bridge");
    std::set<std::string> addresses;
    for (const auto& each : link.at("addr_info")) {
      if (each.at("scope") == "link") continue;
      addresses.insert(each.at("local").get<std::string>() + "/" +
                       std::to_string(each.at("prefixlen").get<int>()));
    }
    CHECK(addresses == row.addresses);
  }
}

TEST_CASE("a LAN host's traffic takes the service of the interface it is sent to, and no other") {
  Lan lan;
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    lan.by("10.1.0.9", "fd01::9");
    expect(*lan.a, {&*lan.b, &*lan.rest}, lan.road.client, at.client, at.far);
    lan.by("10.1.0.10", "fd01::10");
    expect(*lan.b, {&*lan.a, &*lan.rest}, lan.road.client, at.client, at.far);
    lan.by("10.1.0.1", "fd01::1");
    expect(*lan.rest, {&*lan.a, &*lan.b}, lan.road.client, at.client, at.far);
  }
}

TEST_CASE("a local program bound to an interface's address takes that service, and no other") {
  Lan lan;
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    const bool v4 = family == Family::kIpv4;
    expect(*lan.a, {&*lan.b, &*lan.rest}, lan.road.entry, address(v4 ? "10.1.0.9" : "fd01::9"),
           at.far);
    expect(*lan.b, {&*lan.a, &*lan.rest}, lan.road.entry, address(v4 ? "10.1.0.10" : "fd01::10"),
           at.far);
    expect(*lan.rest, {&*lan.a, &*lan.b}, lan.road.entry, at.entry_lan, at.far);
  }
}

TEST_CASE("only the interface answers for its address, on its own hardware address") {
  Lan lan;
  Capture client(lan.road.client, "eth0");
  lan.by("10.1.0.9", "fd01::9");
  CHECK(send_udp(lan.road.client, std::nullopt, {address("198.51.100.7"), 53}, "who") == 0);
  const auto seen =
      client.until([](const Seen& s) { return s.outgoing && s.datagram.payload == "who"; });
  CHECK(seen.back().destination_mac == lan.road.entry.mac("svc-lan-a"));
  CHECK(seen.back().destination_mac != lan.road.entry.mac("lan0"));
}
