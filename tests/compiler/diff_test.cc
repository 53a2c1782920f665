// The difference of two states: made change by change, the one becomes the other, in an order that
// a kernel takes; and each change is said in words.
#include "compiler/diff.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "compiler/compile.h"
#include "compiler/statements.h"
#include "tests/compiler/config_builder.h"
#include "tests/compiler/random_config.h"
#include "tests/compiler/state_model.h"

namespace arctic {
namespace {

using test::below;
using test::Random;

/// As the host observes it: no origins, no texts, handles; parents known.
NodeState as_observed(NodeState state) {
  std::uint64_t handle = 0;
  if (state.table) {
    for (auto& [name, chain] : state.table->chains) {
      for (nft::Rule& rule : chain.rules) {
        rule.text.clear();
        rule.handle = ++handle;
      }
    }
  }
  return state;
}

NodeState resolved(NodeState state) {
  for (auto& [name, link] : state.links) {
    if (link.parent == kDefaultRouteInterface) link.parent = "eth0";
  }
  const std::string path = std::string("net/ipv4/conf/") + kDefaultRouteInterface + "/arp_ignore";
  if (const auto found = state.sysctls.find(path); found != state.sysctls.end()) {
    const Sysctl sysctl = found->second;
    state.sysctls.erase(found);
    state.sysctls["net/ipv4/conf/eth0/arp_ignore"] = sysctl;
  }
  for (auto& [name, sysctl] : state.sysctls) {
    sysctl.merge_ports = false;
    if (sysctl.of_link.empty()) sysctl.before = "0";  // as the record has it once it is ours
  }
  return state;
}

void give_addresses(Random& random, Config& config) {
  std::size_t number = below(random, 4);
  for (Service& service : config.services) {
    if (!service.has_interface()) continue;
    const std::string host = std::to_string(1 + number++ % 5);
    if (below(random, 3) != 0) {
      service.interface->ipv4 = {*parse_host_prefix("10.0.0." + host + "/24"), {}};
    }
    if (below(random, 3) != 0) {
      service.interface->ipv6 = {*parse_host_prefix("fd00::" + host + "/64"), {}};
    }
  }
}

/// A desired state of some configuration; now and then the empty one.
NodeState random_state(Random& random) {
  if (below(random, 12) == 0) return {};
  Config config = test::random_config(random, 1 + below(random, 20));
  give_addresses(random, config);
  for (Peer& peer : config.peers) {
    if (below(random, 4) == 0) peer.mark_shift.value = static_cast<int>(below(random, 20));
    if (below(random, 4) == 0) peer.parent_interface = {"eth1", {}};
  }
  const std::string& node = config.peers[below(random, config.peers.size())].name.value;
  NodeState state = resolved(lower(config, allocate(config), order(config, node)));
  state.files["/a"] = {std::to_string(below(random, 3)), {}};
  if (below(random, 2) == 0) state.files["/b"] = {"b", {}};
  return state;
}

template <class Map>
auto& any_of_map(Random& random, Map& map) {
  return std::next(map.begin(), static_cast<std::ptrdiff_t>(below(random, map.size())))->second;
}

void drift_table(Random& random, nft::Table& table) {
  nft::Map& map = any_of_map(random, table.maps);
  nft::Chain& chain = any_of_map(random, table.chains);
  switch (below(random, 9)) {
    case 0:
      if (!map.elements.empty()) map.elements.erase(map.elements.begin());
      break;
    case 1:
      if (!map.elements.empty()) map.elements.back().comment = "other";
      break;
    case 2:
      for (nft::Element& element : map.elements) element.verdict = {};
      break;
    case 3:
      if (!chain.rules.empty()) chain.rules.erase(chain.rules.begin());
      break;
    case 4:
      chain.rules.push_back(nft::make_rule({nft::counter(), nft::accept()}, "other"));
      break;
    case 5:
      if (chain.hook) chain.hook->priority += 1;
      break;
    case 6:
      table.chains["another"].rules = {nft::make_rule({nft::go_to("another2")})};
      table.chains["another2"].rules = {nft::make_rule({nft::iifname_vmap("another_map")})};
      table.maps["another_map"] = {nft::KeyType::kIfname, false, {{1, 1, {}, "x"}}};
      break;
    case 7:
      table.strange = {"set foreign"};
      break;
    case 8:
      map.key = map.key == nft::KeyType::kMark ? nft::KeyType::kIpv4 : map.key;
      break;
  }
}

void drift_link(Random& random, NodeState& state) {
  if (state.links.empty()) return;
  const auto link = std::next(state.links.begin(),
                              static_cast<std::ptrdiff_t>(below(random, state.links.size())));
  const std::string& name = link->first;
  switch (below(random, 6)) {
    case 0:
      link->second.mtu = 1300;
      break;
    case 1:
      link->second.alias = "arctic:another";
      break;
    case 2:
      link->second.detail = "mode private";
      break;
    case 3:
      link->second.kind = LinkKind::kOther;
      break;
    case 4:
      link->second.up = false;
      std::erase_if(state.routes, [&](const PolicyRoute& route) { return route.device == name; });
      break;
    case 5:
      state.links["svc-another"] = {
          LinkKind::kMacvlan, "eth0", "arctic:another", 0, true, 0, false, false, {}, {}};
      state.addresses.insert({"svc-another", *parse_host_prefix("10.0.0.77/24"), {}});
      break;
  }
}

/// Something that somebody did to a node behind our back.
void drift(Random& random, NodeState& state) {
  switch (below(random, 7)) {
    case 0:
      if (state.table) drift_table(random, *state.table);
      break;
    case 1:
      drift_link(random, state);
      break;
    case 2:
      if (!state.addresses.empty()) state.addresses.erase(state.addresses.begin());
      break;
    case 3:
      if (!state.links.empty()) {
        state.addresses.insert(
            {state.links.begin()->first, *parse_host_prefix("10.0.0.200/24"), {}});
      }
      break;
    case 4:
      if (!state.routes.empty()) state.routes.erase(std::prev(state.routes.end()));
      break;
    case 5:
      if (!state.rules.empty()) state.rules.erase(state.rules.begin());
      state.rules.insert({Family::kIpv6, 5110, "x", 1, 1, RuleAction::kLookup, 7, "from all", {}});
      break;
    case 6:
      if (!state.sysctls.empty()) any_of_map(random, state.sysctls).value = "7";
      break;
  }
}

TEST_CASE("the changes, made in order, turn any state into any other") {
  Random random(21);
  for (int run = 0; run < 200; ++run) {
    NodeState actual = as_observed(random_state(random));
    for (std::size_t drifts = below(random, 4); drifts > 0; --drifts) drift(random, actual);
    const NodeState desired = random_state(random);
    CAPTURE(run);
    const Changes changes = diff(actual, desired);
    NodeState reached = actual;
    REQUIRE_NOTHROW(test::make_changes(reached, changes));
    // What diff says of the result is what counts, and equality says that nothing was forgotten.
    CHECK(diff(reached, desired).empty());
    CHECK(test::same_state(reached, desired));
    CHECK(diff(desired, desired).empty());
    CHECK(diff(as_observed(desired), desired).empty());
    CHECK(diff(actual, desired).size() == changes.size());
    const ChangeCounts counts = count(changes);
    CHECK(counts.add + counts.change + counts.remove == changes.size());
  }
}

NodeState one_service(const std::vector<test::RouteText>& routes, int shift = 16) {
  test::ConfigBuilder builder;
  for (Peer& peer : builder.config.peers) peer.mark_shift.value = shift;
  builder.service("s", routes);
  return resolved(lower(builder.config, allocate(builder.config), order(builder.config, "syd")));
}

/// The same with so many routes before them, s/0 to s/7, that IPv4 has maps.
NodeState crowded_service(const std::vector<test::RouteText>& routes) {
  std::vector<test::RouteText> all = {{100, "11.0.0.0/16", ""}, {100, "11.1.0.0/16", ""},
                                      {100, "11.2.0.0/16", ""}, {100, "11.3.0.0/16", ""},
                                      {100, "11.4.0.0/16", ""}, {100, "11.5.0.0/16", ""},
                                      {100, "11.6.0.0/16", ""}, {100, "11.7.0.0/16", ""}};
  all.insert(all.end(), routes.begin(), routes.end());
  return one_service(all);
}

std::vector<std::string> said(const std::vector<Change>& changes) {
  std::vector<std::string> lines;
  for (const Change& change : changes) {
    const Description d = describe(change);
    const char* sign = d.action == Action::kAdd ? "+" : d.action == Action::kRemove ? "-" : "~";
    std::string line = std::string(sign) + ' ' + d.kind + ' ' + d.identity;
    if (!d.before.empty() || !d.after.empty()) {
      line += ": " + d.before + (d.action == Action::kChange ? " -> " : "") + d.after;
    }
    if (!d.reason.empty()) line += " (" + d.reason + ")";
    lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("one route's change among few is its rule and those after it") {
  const NodeState before = one_service(
      {{100, "10.0.0.0/8", "192.168.0.0/16"}, {100, "", "192.0.2.0/24"}, {100, "", "fd00::/8"}});
  const NodeState after = one_service(
      {{100, "10.0.0.0/8", "192.168.0.0/16"}, {100, "", "192.0.2.0/25"}, {100, "", "fd00::/8"}});
  CHECK(said(diff(as_observed(before), after).nft) ==
        Lines{"- nftables rule classify: ip daddr 192.0.2.0/24 goto svc_s (s/1)",
              "- nftables rule classify: ip6 daddr fd00::/8 goto svc_s (s/2)",
              "+ nftables rule classify: ip daddr 192.0.2.0/25 goto svc_s (s/1)",
              "+ nftables rule classify: ip6 daddr fd00::/8 goto svc_s (s/2)"});
}

TEST_CASE("one route's change among many is a few elements") {
  const NodeState before =
      crowded_service({{100, "10.0.0.0/8", "192.168.0.0/16"}, {100, "", "192.0.2.0/24"}});
  const NodeState verdict =
      crowded_service({{100, "10.0.0.0/8", "192.168.0.0/16"}, {100, "", "192.0.2.0/25"}});
  CHECK(said(diff(as_observed(before), verdict).nft) ==
        Lines{"- nftables element dest_routes4 192.0.2.0/24: goto svc_s (s/9)",
              "+ nftables element dest_routes4 192.0.2.0/25: goto svc_s (s/9)"});
  const NodeState nested = crowded_service({{100, "10.0.0.0/8", "192.168.0.0/16"},
                                            {100, "", "192.0.2.0/24"},
                                            {100, "", "192.0.2.64/26"}});
  CHECK(said(diff(as_observed(before), nested).nft) ==
        Lines{"- nftables element dest_routes4 192.0.2.0/24: goto svc_s (s/9)",
              "+ nftables element dest_routes4 192.0.2.0/26: goto svc_s (s/9)",
              "+ nftables element dest_routes4 192.0.2.64/26: goto svc_s (s/10)",
              "+ nftables element dest_routes4 192.0.2.128/25: goto svc_s (s/9)"});
  NodeState other = before;
  other.table->maps.at("dest_routes4").elements[0].comment = "s/7";
  CHECK(said(diff(as_observed(before), other).nft) ==
        Lines{"~ nftables element dest_routes4 192.0.2.0/24: goto svc_s -> goto svc_s (s/7)"});
}

TEST_CASE("a new source: chain, map, elements, rules; an old one: elements, rules, map, chain") {
  const NodeState without =
      crowded_service({{100, "", "192.0.2.0/24"}, {100, "9.0.0.0/8", "10.0.0.0/8"}});
  const NodeState with = crowded_service({{100, "", "192.0.2.0/24"},
                                          {100, "9.0.0.0/8", "10.0.0.0/8"},
                                          {100, "10.0.0.0/8", "10.0.0.0/8"}});
  CHECK(said(diff(as_observed(without), with).nft) ==
        Lines{"+ nftables chain from_10.0.0.0/8",
              "+ nftables map pair_10.0.0.0/8: ipv4_addr, interval",
              "+ nftables element pair_10.0.0.0/8 10.0.0.0/8: goto svc_s (s/10)",
              "+ nftables element pair_sources4 10.0.0.0/8: jump from_10.0.0.0/8",
              "+ nftables rule from_10.0.0.0/8: ip daddr vmap @pair_10.0.0.0/8"});
  CHECK(said(diff(as_observed(with), without).nft) ==
        Lines{"- nftables element pair_10.0.0.0/8 10.0.0.0/8: goto svc_s (s/10)",
              "- nftables element pair_sources4 10.0.0.0/8: jump from_10.0.0.0/8",
              "- nftables rule from_10.0.0.0/8: ip daddr vmap @pair_10.0.0.0/8",
              "- nftables map pair_10.0.0.0/8: ipv4_addr, interval",
              "- nftables chain from_10.0.0.0/8"});
}

TEST_CASE("a chain keeps the rules before the first difference") {
  const NodeState desired = one_service({{100, "10.0.0.0/8", ""}});
  NodeState actual = as_observed(desired);
  std::vector<nft::Rule>& rules = actual.table->chains.at("tcp_s").rules;
  rules[2] = nft::make_rule({nft::accept()});
  rules[2].handle = 99;
  const Changes changes = diff(actual, desired);
  CHECK(said(changes.nft) == Lines{"- nftables rule tcp_s: accept",
                                   "+ nftables rule tcp_s: counter goto down_reject (s)"});
  CHECK(std::get<NftRuleDelta>(changes.nft[0]).before->handle == 99);
}

TEST_CASE("tables that go, come, or are made anew") {
  const NodeState desired = one_service({{100, "10.0.0.0/8", ""}});
  CHECK(said(diff(as_observed(desired), {}).nft) == Lines{"- nftables table inet arctic"});
  CHECK(said(diff({}, desired).nft).front() == "+ nftables table inet arctic");
  NodeState actual = as_observed(desired);
  actual.table->strange = {"set x", "flowtable y"};
  const Changes anew = diff(actual, desired);
  CHECK(said(anew.nft).front() ==
        "~ nftables table inet arctic: made anew -> made anew (it has what is not ours: set x, "
        "flowtable y)");
  CHECK(std::get<TableDelta>(anew.nft.front()).after->replace);
  CHECK(anew.nft.size() == diff({}, desired).nft.size());
  actual = as_observed(desired);
  actual.table->ours = false;
  CHECK(diff(actual, {}).nft.empty());  // not ours: left alone
  actual = as_observed(desired);
  actual.table->chains.at("classify").hook = nft::Hook{};
  CHECK(std::get<TableDelta>(diff(actual, desired).nft.front()).after->replace);
  actual = as_observed(desired);
  actual.table->maps.at("interface_routes").key = nft::KeyType::kMark;
  CHECK(std::get<TableDelta>(diff(actual, desired).nft.front()).after->replace);
}

/// "5119 5109 …" of the rules of one family that the changes add or remove.
std::string preferences(const std::vector<Change>& changes, bool add) {
  std::string text;
  for (const Change& change : changes) {
    const auto* rule = std::get_if<RuleDelta>(&change);
    if (rule == nullptr || rule->after.has_value() != add) continue;
    const PolicyRule& value = add ? *rule->after : *rule->before;
    if (value.family == Family::kIpv6) text += std::to_string(value.preference) + ' ';
  }
  return text;
}

std::vector<std::string> kinds(const std::vector<Change>& changes) {
  std::vector<std::string> all;
  for (const Change& change : changes) {
    const std::string kind = describe(change).kind;
    if (all.empty() || all.back() != kind) all.push_back(kind);
  }
  return all;
}

TEST_CASE("a node is built from the ground up and taken down from the top") {
  test::ConfigBuilder builder;
  builder.interface_service("s", {{100, "10.0.0.0/8", ""}}).interface->ipv4 = {
      *parse_host_prefix("10.0.0.9/24"), {}};
  const NodeState full =
      resolved(lower(builder.config, allocate(builder.config), order(builder.config, "syd")));
  const Changes up = diff({}, full);
  CHECK(kinds(up.prepare) == Lines{"link", "sysctl", "address", "sysctl", "route", "policy rule"});
  CHECK(preferences(up.prepare, true) == "5119 5109 5110 5108 5102 5101 5100 ");
  CHECK(up.retire.empty());
  std::vector<RouteType> types;
  for (const Change& change : up.prepare) {
    if (const auto* route = std::get_if<RouteDelta>(&change)) types.push_back(route->after->type);
  }
  CHECK(types == std::vector<RouteType>{RouteType::kUnreachable, RouteType::kUnreachable,
                                        RouteType::kLocal, RouteType::kLocal, RouteType::kUnicast,
                                        RouteType::kUnicast});

  const Changes down = diff(as_observed(full), {});
  CHECK(down.prepare.empty());
  CHECK(kinds(down.retire) == Lines{"policy rule", "route", "address", "link", "sysctl"});
  CHECK(preferences(down.retire, false) == "5100 5101 5102 5108 5110 5109 5119 ");
  types.clear();
  for (const Change& change : down.retire) {
    if (const auto* route = std::get_if<RouteDelta>(&change)) types.push_back(route->before->type);
  }
  CHECK(types.front() == RouteType::kUnicast);
  CHECK(types.back() == RouteType::kUnreachable);
}

TEST_CASE("with another mask, 5108 is away while both kinds of marks are about") {
  const NodeState before = one_service({{100, "10.0.0.0/8", ""}}, 16);
  const NodeState after = one_service({{100, "10.0.0.0/8", ""}}, 0);
  const Changes changes = diff(as_observed(before), after);
  CHECK(preferences(changes.prepare, false) == "5108 ");
  CHECK(preferences(changes.prepare, true) == "5110 5102 5101 ");
  CHECK(preferences(changes.retire, false) == "5101 5102 5110 ");
  CHECK(preferences(changes.retire, true) == "5108 ");
}

TEST_CASE("a link that cannot be changed is made anew with all that hangs on it") {
  const NodeState desired = one_service({{100, "10.0.0.0/8", ""}});
  NodeState actual = as_observed(desired);
  actual.links.at("tp-lon").multi_queue = false;
  CHECK(said(diff(actual, desired).prepare) ==
        Lines{"- route IPv4 table 53822 metric 0: default dev tp-lon (peers.lon)",
              "- route IPv6 table 53822 metric 1024: default dev tp-lon (peers.lon)",
              "- address 192.0.0.8/32 dev tp-lon (peers.lon)",
              "- link tp-lon: tun, mtu 1420, queue 2000, up, alias arctic:peer:lon (peers.lon)",
              "+ link tp-lon: tun, multi-queue, mtu 1420, queue 2000, up, alias arctic:peer:lon "
              "(peers.lon)",
              "+ sysctl net/ipv4/conf/tp-lon/rp_filter: 2 (peers.lon)",
              "+ sysctl net/ipv6/conf/tp-lon/addr_gen_mode: 1 (peers.lon)",
              "+ address 192.0.0.8/32 dev tp-lon (peers.lon)",
              "+ route IPv4 table 53822 metric 0: default dev tp-lon (peers.lon)",
              "+ route IPv6 table 53822 metric 1024: default dev tp-lon (peers.lon)"});
  actual = as_observed(desired);
  actual.links.at("tp-lon").mtu = 1500;
  CHECK(said(diff(actual, desired).prepare) ==
        Lines{"~ link tp-lon: tun, multi-queue, mtu 1500, queue 2000, up, alias arctic:peer:lon -> "
              "tun, multi-queue, mtu 1420, queue 2000, up, alias arctic:peer:lon (peers.lon)"});
}

TEST_CASE("links that are not ours stay") {
  NodeState actual;
  actual.links["eth7"] = {LinkKind::kMacvlan, "eth0", "somebody", 0, true, 0, false, false, {}, {}};
  CHECK(diff(actual, {}).empty());
}

TEST_CASE("a route in the place of another replaces it") {
  const NodeState desired = one_service({{100, "10.0.0.0/8", ""}});
  NodeState actual = as_observed(desired);
  const auto route =
      std::find_if(actual.routes.begin(), actual.routes.end(),
                   [](const PolicyRoute& r) { return r.type == RouteType::kUnicast; });
  PolicyRoute other = *route;
  actual.routes.erase(route);
  other.device = "tp-old";
  actual.routes.insert(other);
  CHECK(diff(actual, desired).retire.empty());
  CHECK(said(diff(actual, desired).prepare) ==
        Lines{"~ route IPv4 table 53822 metric 0: default dev tp-old -> default dev tp-lon "
              "(peers.lon)"});
}

TEST_CASE("an IPv4 address makes room for its successor in the subnet, others stay to the end") {
  test::ConfigBuilder builder;
  Service& service = builder.interface_service("s");
  const auto state = [&](const char* ipv4, const char* ipv6) {
    service.interface->ipv4 = {*parse_host_prefix(ipv4), {}};
    service.interface->ipv6 = {*parse_host_prefix(ipv6), {}};
    return resolved(lower(builder.config, allocate(builder.config), order(builder.config, "syd")));
  };
  const std::string name = macvlan_name(service);
  const NodeState before = state("10.0.0.9/24", "fd00::9/64");
  const Changes same = diff(as_observed(before), state("10.0.0.10/24", "fd00::10/64"));
  CHECK(said(same.prepare) == Lines{"- address 10.0.0.9/24 dev " + name + " (services.s)",
                                    "+ address 10.0.0.10/24 dev " + name + " (services.s)",
                                    "+ address fd00::10/64 dev " + name + " (services.s)"});
  CHECK(said(same.retire) == Lines{"- address fd00::9/64 dev " + name + " (services.s)"});
  // Ours may be a second address of the subnet and go with the first: it is set again.
  NodeState two = as_observed(before);
  two.addresses.insert({name, *parse_host_prefix("10.0.0.200/24"), {}});
  CHECK(said(diff(two, before).prepare) ==
        Lines{"- address 10.0.0.200/24 dev " + name,
              "+ address 10.0.0.9/24 dev " + name + " (services.s)"});
  const Changes other = diff(as_observed(before), state("10.0.1.10/24", "fd00::9/64"));
  CHECK(said(other.prepare) == Lines{"+ address 10.0.1.10/24 dev " + name + " (services.s)"});
  CHECK(said(other.retire) == Lines{"- address 10.0.0.9/24 dev " + name + " (services.s)"});
}

TEST_CASE("a sysctl without use goes back to the value before us, if we changed it") {
  NodeState actual;
  actual.sysctls["net/ipv4/ip_forward"] = {"1", false, {}, "0", "1", {}};
  actual.sysctls["net/ipv4/other"] = {"1", false, {}, {}, {}, {}};
  const Changes changes = diff(actual, {});
  CHECK(changes.prepare.empty());
  CHECK(said(changes.retire) == Lines{"- sysctl net/ipv4/ip_forward: 10"});
  const Description d = describe(changes.retire.at(0));
  CHECK(d.before == "1");
  CHECK(d.after == "0");
}

TEST_CASE("files come, change and go after the transaction") {
  NodeState actual, desired;
  actual.files = {{"/a", {"old", {}}}, {"/gone", {"x", {}}}};
  desired.files = {{"/a", {"new", {}}}, {"/b", {"", {}}}};
  const Changes changes = diff(actual, desired);
  REQUIRE(changes.files.size() == 3);
  CHECK(changes.size() == 3);
  const ChangeCounts counts = count(changes);
  CHECK(counts.add == 1);
  CHECK(counts.change == 1);
  CHECK(counts.remove == 1);
  CHECK(describe(changes.files[0]).before.rfind("3 bytes, ", 0) == 0);
}

}  // namespace
}  // namespace arctic
