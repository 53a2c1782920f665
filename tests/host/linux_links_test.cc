// Links, addresses, routes, policy rules and kernel parameters of LinuxHost against the kernel.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "tests/host/linux_machine.h"
#include "tests/support/killed.h"

using namespace arctic;
using arctic::test::killed_at;
using arctic::test::Machine;
using arctic::test::must_run;
using arctic::test::run_command;

namespace {

HostPrefix host_prefix(const char* text) { return *parse_host_prefix(text); }

Link macvlan() {
  Link link;
  link.kind = LinkKind::kMacvlan;
  link.parent = "eth1";
  link.alias = "arctic:syd-to-lon";
  return link;
}

Link tun() {
  Link link;
  link.kind = LinkKind::kTun;
  link.alias = "arctic:peer:lon";
  link.mtu = 1420;
  link.tx_queue_length = 1000;
  link.multi_queue = true;
  return link;
}

PolicyRule rule(Family family, std::uint32_t preference) {
  PolicyRule made;
  made.family = family;
  made.preference = preference;
  return made;
}

PolicyRule jump(Family family, std::uint32_t preference, std::uint32_t target) {
  PolicyRule made = rule(family, preference);
  made.action = RuleAction::kGoto;
  made.target = target;
  return made;
}

PolicyRule lookup(Family family, std::uint32_t preference, std::uint32_t mark,
                  std::uint32_t table) {
  PolicyRule made = rule(family, preference);
  made.action = RuleAction::kLookup;
  made.mark = mark;
  made.mask = 0x1fff0000;
  made.target = table;
  return made;
}

/// Every kind of link, address, route and rule that a node of ours has.
NodeState full_state() {
  NodeState state;
  state.links["svc-macvlan"] = macvlan();
  state.links["tp-lon"] = tun();
  state.links["tp-dub"] = tun();
  state.links["tp-dub"].alias = "arctic:peer:dub";
  state.addresses = {{"svc-macvlan", host_prefix("10.1.0.9/24"), {}},
                     {"svc-macvlan", host_prefix("10.1.0.10/24"), {}},
                     {"svc-macvlan", host_prefix("fd00:1::9/64"), {}},
                     {"tp-lon", host_prefix("192.0.0.8/32"), {}},
                     {"tp-dub", host_prefix("192.0.0.8/32"), {}}};
  for (const Family family : kFamilies) {
    const std::uint32_t metric = family == Family::kIpv4 ? 0 : 1024;
    state.routes.insert({family, 52000, RouteType::kLocal, metric, "lo", {}});
    state.routes.insert({family, 52001, RouteType::kUnicast, metric, "tp-lon", {}});
    state.routes.insert({family, 52001, RouteType::kUnreachable, 0xff000000, "", {}});
    state.routes.insert({family, 56000, RouteType::kUnicast, metric, "tp-dub", {}});
    PolicyRule local = jump(family, 5100, 5102);
    local.iif = "lo";
    state.rules.insert(local);
    state.rules.insert(lookup(family, 5101, 0x0ff10000, 52000));
    PolicyRule captured = lookup(family, 5102, 0x10000000, 52000);
    captured.iif = "lo";
    captured.mask = 0x10000000;
    state.rules.insert(captured);
    PolicyRule unmarked = jump(family, 5108, 5119);
    unmarked.mark = 0;
    unmarked.mask = 0x1fff0000;
    state.rules.insert(unmarked);
    PolicyRule leaving = jump(family, 5109, 5119);
    leaving.iif = "tp-lon";
    state.rules.insert(leaving);
    state.rules.insert(lookup(family, 5110, 0x00010000, 52001));
    state.rules.insert(lookup(family, 5110, 0x00030000, 56000));
    state.rules.insert(rule(family, 5119));
  }
  return state;
}

void compare(const NodeState& seen, const NodeState& wanted) {
  for (const auto& [name, link] : wanted.links) {
    INFO("link " << name);
    REQUIRE(seen.links.count(name) == 1);
    CHECK(seen.links.at(name) == link);
  }
  const auto ours = std::count_if(seen.links.begin(), seen.links.end(), [](const auto& item) {
    return item.second.alias.rfind(kAliasPrefix, 0) == 0;
  });
  CHECK(static_cast<std::size_t>(ours) == wanted.links.size());
  CHECK(seen.addresses == wanted.addresses);
  CHECK(seen.routes == wanted.routes);
  CHECK(seen.rules == wanted.rules);
}

/// What the kernel has, in iproute2's words, but for what changes by itself.
std::string world() {
  return must_run(
      "ip -o -d link | sed 's/bcqueuelen.*//;s/^[0-9]*: //'; ip -o address | sed 's/^[0-9]*: //;"
      "s/valid_lft.*//'; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all");
}

}  // namespace

TEST_CASE("every kind of link, address, route and rule is made, read back and removed") {
  Machine machine;
  const std::string before = world();
  const NodeState wanted = full_state();
  machine.become(wanted);
  compare(machine.observe(wanted), wanted);
  const std::string ip_says = must_run("ip -d link show tp-lon");
  CHECK(ip_says.find("multi_queue") != std::string::npos);
  CHECK(ip_says.find("persist on") != std::string::npos);
  CHECK(ip_says.find("pi off") != std::string::npos);
  CHECK(ip_says.find("alias arctic:peer:lon") != std::string::npos);
  CHECK(must_run("ip rule show pref 5119").find("nop proto 172") != std::string::npos);
  machine.become({});
  CHECK(world() == before);
}

TEST_CASE("making what is made, and removing what is gone, succeeds") {
  Machine machine;
  const NodeState wanted = full_state();
  const Changes forward = diff(machine.observe(wanted), wanted);
  machine.make(forward);
  machine.make(forward);
  compare(machine.observe(wanted), wanted);
  const Changes back = diff(machine.observe(wanted), {});
  machine.make(back);
  machine.make(back);
  compare(machine.observe(), {});
}

TEST_CASE("a link of ours is changed in place") {
  Machine machine;
  NodeState state;
  state.links["tp-lon"] = tun();
  state.addresses.insert({"tp-lon", host_prefix("192.0.0.8/32"), {}});
  machine.become(state);
  for (const char* drift :
       {"ip link set tp-lon mtu 1300", "ip link set tp-lon down", "ip link set tp-lon txqueuelen 5",
        "ip link set tp-lon alias arctic:peer:other", "ip address flush dev tp-lon",
        "ip address add 192.0.0.9/32 dev tp-lon", "ip link delete tp-lon"}) {
    INFO(drift);
    must_run(drift);
    CHECK_FALSE(diff(machine.observe(state), state).empty());
    machine.become(state);
  }
}

TEST_CASE("a link of ours that is of another kind is told so and made anew") {
  const char* others[] = {
      "ip tuntap add mode tap multi_queue name tp-lon",
      "ip tuntap add mode tun name tp-lon",
      "ip tuntap add mode tun multi_queue pi name tp-lon",
      "ip link add tp-lon type veth peer name x9",
      "ip link add link eth1 name tp-lon type macvlan mode bridge",
  };
  for (const char* other : others) {
    INFO(other);
    Machine machine;
    must_run(std::string(other) + " && ip link set tp-lon alias arctic:peer:lon");
    NodeState state;
    state.links["tp-lon"] = tun();
    machine.become(state);
    compare(machine.observe(state), state);
  }
  for (const char* mode : {"private", "vepa", "passthru"}) {
    INFO(mode);
    Machine machine;
    must_run(std::string("ip link add link eth1 name svc-macvlan type macvlan mode ") + mode +
             " && ip link set svc-macvlan alias arctic:syd-to-lon");
    NodeState state;
    state.links["svc-macvlan"] = macvlan();
    CHECK(machine.observe(state).links["svc-macvlan"].detail == std::string("mode ") + mode);
    machine.become(state);
  }
}

TEST_CASE("what others made is not seen, not changed and not removed") {
  Machine machine;
  must_run(
      "ip link add other0 type veth peer name other1; ip link set other0 up; ip link set other1 up;"
      "ip link set other0 alias 'not arctic:'; ip address add 10.9.0.1/24 dev other0;"
      "ip rule add pref 5105 fwmark 1 lookup 99; ip -6 rule add pref 5105 fwmark 1 lookup 99;"
      "ip route add default dev other0 table 99; ip route add default dev other0 table 52009;"
      "ip -6 route add unreachable default table 52009 metric 77;"
      "ip route add 10.77.0.0/16 dev other0 table 77 proto 172;"
      "ip route add blackhole 10.78.0.0/16 table 52009 proto 171");
  const std::string before = world();
  compare(machine.observe(), {});
  machine.become(full_state());
  machine.become({});
  CHECK(world() == before);
  SECTION("a link with a name of ours is seen, and neither made nor deleted") {
    must_run("ip link add svc-macvlan type veth peer name x9");
    NodeState state;
    state.links["svc-macvlan"] = macvlan();
    const auto seen = machine.observe(state).links;
    REQUIRE(seen.count("svc-macvlan") == 1);
    CHECK(seen.at("svc-macvlan").alias.empty());
    for (const LinkDelta& change :
         {LinkDelta{"svc-macvlan", {}, macvlan()}, LinkDelta{"svc-macvlan", macvlan(), {}}}) {
      const auto status = machine.host.perform(change);
      REQUIRE_FALSE(status.has_value());
      CHECK(status.error().code == ErrorCode::kRefused);
      CHECK(status.error().subject == "svc-macvlan");
    }
    const auto status = machine.host.perform(
        AddressDelta{{}, {}, LinkAddress{"svc-macvlan", host_prefix("10.1.0.9/24"), {}}});
    CHECK(status.error().code == ErrorCode::kRefused);
    CHECK(must_run("ip -o address show dev svc-macvlan").find("10.1.0.9") == std::string::npos);
  }
  SECTION("a default route in our place stays") {
    must_run("ip route add default dev eth1 table 52001");
    const auto status = machine.host.perform(
        RouteDelta{{}, {}, PolicyRoute{Family::kIpv4, 52001, RouteType::kUnicast, 0, "lan1", {}}});
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == ErrorCode::kRefused);
    CHECK(must_run("ip route show table 52001") == "default dev eth1 scope link \n");
  }
}

TEST_CASE("strange routes and rules of our protocol are drift, and go alone") {
  Machine machine;
  const NodeState state = full_state();
  machine.become(state);
  const std::string before = must_run(
      "ip rule; ip -6 rule; ip route show table all proto 172;"
      "ip -6 route show table all proto 172");
  for (const char* drift :
       {"rule add pref 5119 from 10.0.0.0/8 nop protocol 172",
        "-6 rule add pref 5110 to fd00::/8 fwmark 0x10000/0x1fff0000 lookup 52001 protocol 172",
        "rule add pref 5101 fwmark 0xff10000/0x1fff0000 lookup 52000 suppress_prefixlength 0 "
        "protocol 172",
        "rule add pref 5111 prohibit protocol 172",
        "rule add pref 5112 not fwmark 1 nop protocol 172",
        "rule del pref 5101 && ip rule add pref 5101 not fwmark 0xff10000/0x1fff0000 lookup 52000 "
        "protocol 172",
        "-6 rule del pref 5101 && ip -6 rule add pref 5101 not fwmark 0xff10000/0x1fff0000 lookup "
        "52000 protocol 172",
        "rule add pref 5119 oif eth1 nop protocol 172",
        "rule add pref 5119 ipproto tcp dport 80 nop protocol 172",
        "rule add pref 5119 uidrange 0-9 nop protocol 172",
        "rule del pref 5100",
        "-6 rule del pref 5119",
        "route replace default dev eth1 table 52001 proto 172",
        "route add default via 10.1.0.77 table 52001 proto 172 metric 9",
        "route del unreachable default table 52001 metric 0xff000000",
        "-6 route del unreachable default table 52001 metric 0xff000000",
        "-6 route add default via fd00:1::77 table 52001 proto 172 metric 9",
        "-6 route replace default dev eth1 table 52001 proto 172",
        "-6 route del default table 56000",
        "route add default dev eth1 table 77 proto 172",
        "route add default proto 172 table 52003 nexthop dev eth1 nexthop dev tp-lon"}) {
    INFO(drift);
    must_run(std::string("ip ") + drift);
    CHECK_FALSE(diff(machine.observe(state), state).empty());
    machine.become(state);
    CHECK(must_run("ip rule; ip -6 rule; ip route show table all proto 172;"
                   "ip -6 route show table all proto 172") == before);
  }
}

TEST_CASE("addresses change their length, and the first of a network can go") {
  Machine machine;
  NodeState state;
  state.links["svc-macvlan"] = macvlan();
  const auto with = [&](std::vector<const char*> texts) {
    state.addresses.clear();
    for (const char* text : texts) state.addresses.insert({"svc-macvlan", host_prefix(text), {}});
    machine.become(state);
    CHECK(machine.observe(state).addresses == state.addresses);
  };
  with({"10.1.0.1/24", "10.1.0.2/24", "10.1.0.3/24", "fd00::1/64"});
  with({"10.1.0.2/24", "10.1.0.3/24", "fd00::1/48"});
  with({"10.1.0.3/16", "fd00::1/128", "fd00::2/64"});
  with({"10.1.0.3/32"});
  with({});
  // What has a lifetime is not ours to declare (router advertisements, DHCP).
  must_run(
      "ip address add fd00:5::5/64 dev svc-macvlan valid_lft 1000 preferred_lft 1000;"
      "ip address add 10.5.0.5/24 dev svc-macvlan valid_lft 1000 preferred_lft 1000;"
      "ip address add fe80::5/64 dev svc-macvlan");
  CHECK(machine.observe(state).addresses.empty());
  // Straight deletion, without the order that the diff chooses.
  with({"10.1.0.1/24", "10.1.0.2/24"});
  Machine::must(machine.host.perform(
      AddressDelta{{}, LinkAddress{"svc-macvlan", host_prefix("10.1.0.1/24"), {}}, {}}));
  CHECK(machine.observe(state).addresses ==
        std::set<LinkAddress>{{"svc-macvlan", host_prefix("10.1.0.2/24"), {}}});
}

TEST_CASE("errors name the thing, the cause and the cure") {
  Machine machine;
  struct Case {
    Change change;
    const char* subject;
    const char* reason;
  };
  Link orphan = macvlan();
  orphan.parent = "eth9";
  Link large = tun();
  large.mtu = 1000000;
  const Case cases[] = {
      {LinkDelta{"svc-macvlan", {}, orphan}, "svc-macvlan", "eth9 does not exist"},
      {LinkDelta{"tp-lon", {}, large}, "tp-lon", "cannot set up"},
      {LinkDelta{"a-name-that-is-long", {}, tun()}, "a-name-that-is-long", "no interface name"},
      {AddressDelta{{}, {}, LinkAddress{"tp-lon", host_prefix("10.0.0.1/8"), {}}}, "tp-lon",
       "no such interface"},
      {RouteDelta{{}, {}, PolicyRoute{Family::kIpv6, 52001, RouteType::kUnicast, 0, "tp-lon", {}}},
       "IPv6 route default dev tp-lon table 52001", "there is no interface tp-lon"},
      {RuleDelta{{}, {}, jump(Family::kIpv4, 5119, 5100)}, "IPv4 policy rule 5119",
       "Invalid argument"},
      {SysctlDelta{"net/ipv4/conf/eth9/arp_ignore", {}, Sysctl{"1", false, {}, {}, {}, {}}},
       "net/ipv4/conf/eth9/arp_ignore", "No such file"},
      {SysctlDelta{"net/ipv4/ip_forward", {}, Sysctl{"many", false, {}, {}, {}, {}}},
       "net/ipv4/ip_forward", "cannot be set to many"},
      {SysctlDelta{"net/../kernel/hostname", {}, Sysctl{"x", false, {}, {}, {}, {}}},
       "net/../kernel/hostname", "no name of a kernel parameter"},
      {TableDelta{"arctic", {}, TableHeader{}}, "table inet arctic", "one transaction"},
  };
  const std::string before = world();
  for (const Case& each : cases) {
    INFO(each.subject << ": " << each.reason);
    const auto status = machine.host.perform(each.change);
    REQUIRE_FALSE(status.has_value());
    INFO(status.error().message());
    CHECK(status.error().code == ErrorCode::kFailure);
    CHECK(status.error().subject == each.subject);
    CHECK(status.error().reason.find(each.reason) != std::string::npos);
  }
  CHECK(world() == before);
  SECTION("a device that is down") {
    must_run("ip tuntap add mode tun name tp-lon");
    const auto status = machine.host.perform(RouteDelta{
        {}, {}, PolicyRoute{Family::kIpv4, 52001, RouteType::kUnicast, 0, "tp-lon", {}}});
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().hint == "bring the interface up: ip link set tp-lon up");
  }
  SECTION("IPv6 is switched off") {
    must_run("echo 1 > /proc/sys/net/ipv6/conf/eth1/disable_ipv6");
    const auto status = machine.host.perform(
        RouteDelta{{}, {}, PolicyRoute{Family::kIpv6, 52001, RouteType::kUnicast, 0, "eth1", {}}});
    REQUIRE_FALSE(status.has_value());
    INFO(status.error().message());
    CHECK(status.error().hint.find("net.ipv6.conf.eth1.disable_ipv6") != std::string::npos);
  }
}

TEST_CASE("the interface of the default route") {
  Machine machine;
  CHECK(machine.host.default_route_interface().error().code == ErrorCode::kRefused);
  must_run("ip -6 route add default dev lan1 metric 9");
  CHECK(machine.host.default_route_interface().value() == "lan1");
  must_run("ip route add default dev eth1 metric 50");
  CHECK(machine.host.default_route_interface().value() == "eth1");
  must_run("ip route add default dev lan1 metric 20");
  CHECK(machine.host.default_route_interface().value() == "lan1");
  must_run("ip route add unreachable default metric 3; ip route add default dev eth1 table 52001");
  CHECK(machine.host.default_route_interface().value() == "lan1");
  must_run("ip route add default metric 2 nexthop dev eth1 nexthop dev lan1");
  CHECK(machine.host.default_route_interface().value() == "eth1");
}

TEST_CASE("kernel parameters") {
  Machine machine;
  NodeState desired;
  desired.sysctls["net/ipv4/ip_forward"];
  desired.sysctls["net/ipv4/conf/eth9/arp_ignore"];
  const auto observed = [&] {
    return machine.host
        .observe(desired, {"net/ipv4/ip_local_reserved_ports", "net/ipv4/ip_local_port_range"})
        .value()
        .sysctls;
  };
  must_run("echo 0 > /proc/sys/net/ipv4/ip_forward");
  auto seen = observed();
  CHECK(seen.size() == 3);
  CHECK(seen["net/ipv4/ip_forward"].value == "0");
  CHECK(seen["net/ipv4/ip_local_reserved_ports"].value.empty());
  CHECK(seen["net/ipv4/ip_local_port_range"].value == "32768 60999");

  const auto set = [&](const char* path, const char* value) {
    Sysctl sysctl;
    sysctl.value = value;
    Machine::must(machine.host.perform(SysctlDelta{path, {}, sysctl}));
  };
  set("net/ipv4/ip_forward", "1");
  set("net/ipv4/ip_local_reserved_ports", "20001-20003,20009");
  seen = observed();
  CHECK(seen["net/ipv4/ip_forward"].value == "1");
  CHECK(seen["net/ipv4/ip_local_reserved_ports"].value == "20001-20003,20009");

  const auto restore = [&](const char* path, const char* before, const char* ours) {
    Sysctl sysctl;
    sysctl.before = before;
    sysctl.ours = ours;
    Machine::must(machine.host.perform(SysctlDelta{path, sysctl, {}}));
  };
  restore("net/ipv4/ip_local_reserved_ports", "", "20001-20003,20009");
  restore("net/ipv4/ip_forward", "0", "2");  // somebody else's value by now
  restore("net/ipv4/conf/eth9/arp_ignore", "0", "1");
  seen = observed();
  CHECK(seen["net/ipv4/ip_local_reserved_ports"].value.empty());
  CHECK(seen["net/ipv4/ip_forward"].value == "1");
  restore("net/ipv4/ip_forward", "0", "1");
  CHECK(observed()["net/ipv4/ip_forward"].value == "0");

  must_run("ip link add link eth1 name eth1.5 type vlan id 5 || ip link set lan1 name eth1.5");
  Sysctl dotted;
  dotted.value = "2";
  Machine::must(machine.host.perform(SysctlDelta{"net/ipv4/conf/eth1.5/rp_filter", {}, dotted}));
  CHECK(must_run("cat /proc/sys/net/ipv4/conf/eth1.5/rp_filter") == "2\n");
}

TEST_CASE("killed at any system call, making links leaves nothing that is not ours") {
  Machine machine;
  struct Case {
    const char* name;
    Link link;
  };
  for (const Case& each : {Case{"svc-macvlan", macvlan()}, Case{"tp-lon", tun()}}) {
    std::size_t left = 0;
    bool alive = true;
    for (int n = 1; alive; ++n) {
      INFO(each.name << ", stop " << n);
      alive = killed_at(n, [&] {
        (void)machine.host.perform(LinkDelta{each.name, {}, each.link});
      });
      const auto ours = machine.observe().links;
      std::istringstream lines(must_run("ip -br link"));
      for (std::string name; lines >> name; std::getline(lines, name)) {
        name = name.substr(0, name.find('@'));
        if (name == "lo" || name == "eth1" || name == "lan1") continue;
        ++left;
        CHECK(ours.count(name) == 1);
      }
      machine.become({});
      REQUIRE(n < 1000);
    }
    CHECK(left > 2);
  }
}
