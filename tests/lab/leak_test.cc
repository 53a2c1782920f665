// Nothing of a captured flow leaves in the clear: not without Tempest, not with the tunnel device
// down or gone, not with a route of its table missing.
#include <catch2/catch.hpp>
#include <set>

#include "tests/lab/talk.h"

using namespace arctic;
using namespace arctic::lab;

namespace {

constexpr const char* kServices = R"(
  - name: syd-to-lon
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    routes:
      - {priority: 1, dest_cidr: 198.51.100.0/28}
      - {priority: 1, dest_cidr: 2001:db8:f:0::/64}
  - name: straight
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    on_down: direct
    routes:
      - {priority: 1, dest_cidr: 198.51.100.32/28}
      - {priority: 1, dest_cidr: 2001:db8:f:2::/64}
)";

Address straight(Family family) {
  return address(family == Family::kIpv4 ? "198.51.100.33" : "2001:db8:f:2::1");
}

/// What became of one packet of every protocol, forwarded and local, to one destination.
struct Fate {
  std::set<std::string> links;          ///< that it left on
  std::set<std::uint8_t> in_the_clear;  ///< protocols seen on other links than the tunnel
};

/// Sends all, then a control packet by each way; what is to leave has left before those do.
Fate fate_of(const Road& road, Capture& entry, const Address& to) {
  const auto& at = road_addresses(to.family);
  FrameSender sender(road.client, "eth0");
  const std::string mac = road.entry.mac("lan0");
  entry.take();
  for (const std::uint8_t protocol : {kTcp, kUdp, icmp_of(to.family), kOdd}) {
    sender.send(mac, fresh(at.client, to, protocol));
    send_raw(road.entry, fresh(at.entry_wan, to, protocol));
  }
  (void)dial(road.entry, std::nullopt, {to, 443}, Milliseconds{0});
  Fate fate;
  const Datagram fences[] = {fresh(at.client, at.control, kUdp),
                             fresh(at.entry_wan, at.control, kUdp)};
  sender.send(mac, fences[0]);
  CHECK(send_raw(road.entry, fences[1]) == 0);
  for (const auto& fence : fences) {
    for (const auto& seen : entry.until([&](const Seen& s) {
           return s.outgoing && s.link == "wan0" && s.datagram.payload == fence.payload;
         })) {
      if (!seen.outgoing || seen.datagram.to != to || seen.link == "lo") continue;
      fate.links.insert(seen.link);
      if (seen.link != "tp-lon") fate.in_the_clear.insert(seen.datagram.protocol);
    }
  }
  return fate;
}

struct Damage {
  const char* what;
  const char* commands;  ///< for `ip`; TABLE is the peer's table
  bool tempest;          ///< whether something reads the tunnel device
  bool carries;          ///< whether packets still get into the tunnel
};

const Damage kDamages[] = {
    {"nothing is wrong", "", true, true},
    {"no Tempest", "", false, false},
    {"the device is down", "link set tp-lon down", true, false},
    {"the device is gone", "link delete tp-lon", false, false},
    {"the default route is gone",
     "route delete default dev tp-lon table TABLE\n-6 route delete default dev tp-lon table TABLE",
     true, false},
    {"the unreachable route is gone",
     "route delete unreachable default table TABLE\n"
     "-6 route delete unreachable default table TABLE metric 4278190080",
     true, true},
    {"the device lost its address", "address flush dev tp-lon", true, false},
};

std::string with_table(std::string commands, const std::string& table) {
  for (auto at = commands.find("TABLE"); at != std::string::npos; at = commands.find("TABLE")) {
    commands.replace(at, 5, table);
  }
  return commands;
}

/// The table that marked packets of the only peer look up.
std::string peer_table(const Road& road) {
  const std::string rules = road.entry.must({"ip", "rule", "show", "pref", "5110"});
  const auto at = rules.find("lookup ");
  REQUIRE(at != std::string::npos);
  return rules.substr(at + 7, rules.find_first_of(" \n", at + 7) - at - 7);
}

}  // namespace

TEST_CASE("whatever is missing, no packet of a captured flow leaves in the clear") {
  const Road road;
  road.apply(config_of(kServices));
  const std::string table = peer_table(road);
  Capture entry(road.entry);
  for (const auto& damage : kDamages) {
    // Mends what the damage before did.
    road.apply(config_of(kServices));
    std::optional<Tunnel> tempest;
    if (damage.tempest) tempest.emplace(road.entry, "tp-lon");
    if (!damage.tempest) road.entry.await_carrier("tp-lon", false);
    if (*damage.commands != '\0') road.entry.ip(with_table(damage.commands, table));
    for (const Family family : kFamilies) {
      INFO(damage.what << ", IPv" << static_cast<int>(family));
      const Fate fate = fate_of(road, entry, road_addresses(family).far);
      CHECK(fate.in_the_clear.empty());
      // An IPv4 address is no business of IPv6.
      const bool carries =
          damage.carries || (family == Family::kIpv6 &&
                             std::string_view(damage.what) == "the device lost its address");
      CHECK(fate.links.count("tp-lon") == (carries ? 1 : 0));
      CHECK(fate_of(road, entry, straight(family)).in_the_clear == std::set{kTcp});
    }
  }
}

TEST_CASE("the capture would see a leak") {
  const Road road;
  Capture entry(road.entry);
  for (const Family family : kFamilies) {
    const Fate fate = fate_of(road, entry, road_addresses(family).far);
    CHECK(fate.in_the_clear == std::set{kTcp, kUdp, icmp_of(family), kOdd});
    CHECK(fate.links == std::set<std::string>{"wan0"});
  }
}
