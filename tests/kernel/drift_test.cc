// What somebody does to what is ours: the plan shows it, apply repairs it, and destroy leaves the
// machine as it would be without us, whether the damage was repaired before or not.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "runtime/host/linux_host.h"
#include "tests/kernel/test_node.h"

namespace arctic::test {
namespace {

// A MACVLAN with both families, and ports among those that the kernel gives away.
NamedState state_with_ports(const std::string& ports = "40000, 40001") {
  const std::size_t comma = ports.find(", ");
  NamedState state = named_state("macvlan");
  state.name = "with ports " + ports;
  state.yaml.insert(state.yaml.find("  - name: beta"),
                    "    pegasus_port: " + ports.substr(0, comma) +
                        "\n    tempest_port: " + ports.substr(comma + 2) + "\n");
  return state;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// MACVLAN: the one with 10.0.0.9; TUNNEL, TABLE: those of the peer.
std::string with_names(const std::string& command, const NodeState& desired) {
  std::string macvlan;
  std::string tunnel;
  for (const LinkAddress& address : desired.addresses) {
    if (address.address.to_string() == "10.0.0.9/24") macvlan = address.link;
  }
  for (const auto& [name, link] : desired.links) {
    if (link.kind == LinkKind::kTun) tunnel = name;
  }
  std::string table;
  for (const PolicyRoute& route : desired.routes) {
    if (route.device == tunnel) table = std::to_string(route.table);
  }
  return replaced(replaced(replaced(command, "MACVLAN", macvlan), "TUNNEL", tunnel), "TABLE",
                  table);
}

const char* const kDamage[] = {
    // Routes of our protocol that ours never are.
    "ip route add 10.200.0.0/16 dev uplink0 table TABLE proto 172",
    "ip route add 10.200.0.0/16 dev uplink0 table TABLE proto 172 metric 9",
    "ip route add 10.200.0.0/16 via 10.0.0.1 table 52000 proto 172",
    "ip route add blackhole default table TABLE proto 172 metric 7",
    "ip route add prohibit 10.200.0.0/16 table TABLE proto 172",
    "ip route add throw default table 52000 proto 172 metric 3",
    "ip route del default dev TUNNEL table TABLE; "
    "ip route add blackhole default table TABLE proto 172",
    "ip route add default dev uplink0 table TABLE proto 172 tos 0x10",
    "ip route add default dev uplink0 table TABLE proto 172 metric 5 mtu 1300",
    "ip route add default dev uplink0 table TABLE proto 172 metric 5 src 10.0.0.2",
    "ip route append default dev TUNNEL table TABLE proto 172 src 10.0.0.2",
    "ip route add default dev uplink0 scope global table TABLE proto 172 metric 5",
    "ip nexthop add id 71 dev uplink0; ip route add default nhid 71 table TABLE proto 172 metric 5",
    "ip nexthop add id 71 dev uplink0; ip route add 10.200.0.0/16 nhid 71 table TABLE proto 172",
    "ip nexthop add id 71 via fd00::1 dev uplink0; "
    "ip -6 route add fd99::/64 nhid 71 table TABLE proto 172",
    "ip route add 10.200.0.0/16 table TABLE proto 172 nexthop via 10.0.0.1 nexthop via 10.0.0.3",
    "ip -6 route add fd99::/64 table TABLE proto 172 nexthop via fd00::1 dev uplink0 "
    "nexthop via fd00::3 dev uplink0",
    "ip -6 route add fd99::/64 dev uplink0 table TABLE proto 172",
    "ip -6 route add blackhole default table TABLE proto 172 metric 7",
    "ip -6 route add prohibit fd99::/64 table 52000 proto 172",
    "ip -6 route add default from fd98::/64 dev uplink0 table TABLE proto 172",
    "ip -6 route add default dev uplink0 table TABLE proto 172 metric 9 mtu 1300",
    "ip -6 route add default dev uplink0 table TABLE proto 172 metric 9 pref high",
    // Addresses that differ in what is not declared.
    "ip address change 10.0.0.9/24 dev MACVLAN valid_lft 1000 preferred_lft 900",
    "ip address change fd00::9/64 dev MACVLAN valid_lft 1000 preferred_lft 900",
    "ip address add 10.0.0.9 peer 10.0.0.55/32 dev MACVLAN",
    "ip address del 10.0.0.9/24 dev MACVLAN; ip address add 10.0.0.9 peer 10.0.0.55/24 dev MACVLAN",
    "ip address del fd00::9/64 dev MACVLAN; ip address add fd00::9 peer fd00::55/64 dev MACVLAN",
    "ip address add 10.0.1.77/24 dev MACVLAN scope link",
    "ip address del 10.0.0.9/24 dev MACVLAN; ip address add 10.0.0.9/24 dev MACVLAN scope link",
    "ip address del 10.0.0.9/24 dev MACVLAN; ip address add 10.0.0.9/24 dev MACVLAN noprefixroute",
    "ip address change fd00::9/64 dev MACVLAN noprefixroute",
    "ip address change fd00::9/64 dev MACVLAN preferred_lft 0",
    "ip address del fd00::9/64 dev MACVLAN; ip address add fd00::9/64 dev MACVLAN metric 77",
    "ip address del 192.0.0.8/32 dev TUNNEL; ip address add 192.0.0.8 peer 192.0.0.9 dev TUNNEL",
    // Links.
    "ip link set MACVLAN arp off",
    "ip link set MACVLAN mtu 1300",
    "ip link set MACVLAN mtu 1200",
    "ip link set uplink0 mtu 1300; ip link set uplink0 mtu 1500",
    "ip link set TUNNEL mtu 1000",
};

std::string changes_text(const Changes& changes) {
  std::string text;
  for (const auto* group : {&changes.prepare, &changes.nft, &changes.files, &changes.retire}) {
    for (const Change& change : *group) {
      const Description what = describe(change);
      text += what.kind + " " + what.identity + ": " + what.before + " -> " + what.after + "\n";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("damage to what is ours is shown and repaired") {
  const NamedState state = state_with_ports();
  const Target& target = target_for(state);
  const TestNode node;
  node.must_apply(target);
  const Listing whole = node.listing();
  for (const char* damage : kDamage) {
    const std::string command = with_names(damage, target.desired);
    INFO(command);
    node.netns().sh(command);
    const auto seen = node.plan(target);
    REQUIRE(seen);
    INFO(changes_text(seen->changes));
    CHECK_FALSE(seen->changes.empty());
    REQUIRE_NOTHROW(node.must_apply(target));
    node.netns().sh("ip nexthop flush 2>/dev/null || true");
    REQUIRE(node.differs_from(whole) == "");
  }
}

TEST_CASE("destroy takes what somebody damaged along") {
  const Target& target = target_for(state_with_ports());
  const TestNode node;
  const Listing pristine = node.listing();
  node.must_apply(target);
  for (const char* damage : kDamage) {
    // Several of them cannot stand side by side.
    const std::string command = with_names(damage, target.desired);
    node.netns().sh("( " + command + " ) 2>/dev/null || true");
  }
  REQUIRE_NOTHROW(node.must_destroy());
  node.netns().sh("ip nexthop flush 2>/dev/null || true");
  CHECK(node.differs_from(pristine) == "");
}

TEST_CASE("routes of others in our tables stay") {
  const Target& target = target_for(state_with_ports());
  const TestNode node;
  node.must_apply(target);
  for (const char* foreign :
       {"ip route add 10.201.0.0/16 dev uplink0 table TABLE proto static",
        "ip route add blackhole default table TABLE proto static metric 8",
        "ip route add default dev uplink0 table TABLE proto 171 metric 8 tos 0x10",
        "ip -6 route add fd97::/64 dev uplink0 table TABLE proto static",
        "ip route add 10.201.0.0/16 dev uplink0 table 77 proto 172"}) {
    INFO(foreign);
    node.netns().sh(with_names(foreign, target.desired));
    const auto seen = node.plan(target);
    REQUIRE(seen);
    CHECK(changes_text(seen->changes) == "");
  }
  const Listing theirs = foreign_part(node.listing());
  node.must_destroy();
  CHECK(difference(theirs, foreign_part(node.listing())) == "");
}

TEST_CASE("reserved ports of others come and go whenever they like") {
  const TestNode node;
  const auto ports = [&] {
    std::string text = node.netns().sh("cat /proc/sys/net/ipv4/ip_local_reserved_ports");
    return text.substr(0, text.find('\n'));
  };
  const auto set = [&](const std::string& list) {
    node.netns().sh("echo '" + list + "' > /proc/sys/net/ipv4/ip_local_reserved_ports");
  };
  set("7000");
  node.must_apply(target_for(state_with_ports("40000, 40001")));
  CHECK(ports() == "7000,40000-40001");
  set("7000,9000,40000-40001");
  for (int again = 0; again < 2; ++again) {
    node.must_apply(target_for(state_with_ports("40000, 40001")));
    CHECK(ports() == "7000,9000,40000-40001");
  }
  set("9000,40001");  // one of ours is gone, and one of theirs
  node.must_apply(target_for(state_with_ports("40000, 40001")));
  CHECK(ports() == "9000,40000-40001");
  set("9000-9001,40000-40001");
  node.must_apply(target_for(state_with_ports("40002, 40003")));
  CHECK(ports() == "9000-9001,40002-40003");
  set("9001,9005,40002-40003");
  node.must_destroy();
  CHECK(ports() == "9001,9005");
}

TEST_CASE("an uplink too narrow for IPv6 is named, and its MACVLANs follow it back") {
  const Target& target = target_for(state_with_ports());
  const TestNode node;
  node.netns().sh("ip link set uplink0 mtu 1200");
  const auto refused = node.apply(target);
  REQUIRE_FALSE(refused);
  INFO(refused.error().message());
  CHECK(refused.error().hint.find("at least 1280") != std::string::npos);
  node.netns().sh("ip link set uplink0 mtu 1500");
  REQUIRE_NOTHROW(node.must_apply(target));
}

TEST_CASE("without IPv6 the rest is made, and IPv6 comes once it is on") {
  const TestNode node;
  const auto switch_off = [&](const char* value) {
    node.netns().sh(std::string("echo ") + value + " > /proc/sys/net/ipv6/conf/all/disable_ipv6");
  };
  for (const char* name : {"macvlan", "manual", "v6_only"}) {
    INFO(name);
    const Target& target = target_for(named_state(name));
    switch_off("1");
    REQUIRE_NOTHROW(node.must_apply(target));
    const auto off = node.plan(target);
    REQUIRE(off);
    CHECK(std::any_of(off->notices.begin(), off->notices.end(), [](const std::string& notice) {
      return notice.find("disable_ipv6") != std::string::npos;
    }));
    switch_off("0");
    const auto on = node.plan(target);
    REQUIRE(on);
    CHECK_FALSE(on->changes.empty());
    REQUIRE_NOTHROW(node.must_apply(target));
    switch_off("1");
    REQUIRE_NOTHROW(node.must_apply(target));
    REQUIRE_NOTHROW(node.must_destroy());
    switch_off("0");
  }
}

TEST_CASE("an alternative name in the place of ours is named") {
  const Target& target = target_for(state_with_ports());
  for (const char* name : {"TUNNEL", "MACVLAN"}) {
    INFO(name);
    const TestNode node;
    const Listing pristine = node.listing();
    const std::string taken = with_names(name, target.desired);
    node.netns().sh("ip link property add dev uplink0 altname " + taken);
    const auto refused = node.apply(target);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find(taken) != std::string::npos);
    CHECK(refused.error().hint.find("ip link property del dev uplink0 altname " + taken) !=
          std::string::npos);
    node.netns().sh("ip link property del dev uplink0 altname " + taken);
    CHECK(node.differs_from(pristine) == "");
  }
}

TEST_CASE("files that others may write are drift; a state folder like that is refused") {
  const Target& target = target_for(state_with_ports());
  const TestNode node;
  node.must_apply(target);
  const std::string config = node.root() + kPegasusConfigPath;
  const auto mode = [&] {
    struct stat about {};
    REQUIRE(::stat(config.c_str(), &about) == 0);
    CHECK(about.st_uid == 0);
    return about.st_mode & 07777U;
  };
  CHECK(mode() == 0644);
  REQUIRE(::chmod(config.c_str(), 0666) == 0);
  auto seen = node.plan(target);
  REQUIRE(seen);
  CHECK(changes_text(seen->changes).find("its mode 0666 lets others write") != std::string::npos);
  node.must_apply(target);
  CHECK(mode() == 0644);
  REQUIRE(::chown(config.c_str(), 65534, 65534) == 0);
  seen = node.plan(target);
  REQUIRE(seen);
  CHECK(changes_text(seen->changes).find("belongs to user 65534") != std::string::npos);
  node.must_apply(target);
  CHECK(mode() == 0644);
  for (const char* path : {kStateFolder, kGenerationsFolder, kJournalPath, kSysctlRecordPath}) {
    const std::string real = node.root() + path;
    struct stat before {};
    REQUIRE(::stat(real.c_str(), &before) == 0);
    const auto refused = [&] {
      const auto plan = node.plan(target);
      return !plan && plan.error().code == ErrorCode::kRefused && plan.error().subject == path &&
             plan.error().hint.find(std::string("chown root ") + path) != std::string::npos;
    };
    INFO(path);
    REQUIRE(::chmod(real.c_str(), before.st_mode | 022) == 0);
    CHECK(refused());
    REQUIRE(::chmod(real.c_str(), before.st_mode) == 0);
    REQUIRE(::chown(real.c_str(), 65534, 0) == 0);
    CHECK(refused());
    REQUIRE(::chown(real.c_str(), 0, 0) == 0);
    CHECK(node.plan(target).has_value());
  }
}

}  // namespace arctic::test
