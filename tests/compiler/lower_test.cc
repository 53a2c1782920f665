// What a configuration asks of a node's kernel and of its runtimes, case by case.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <set>

#include "compiler/compile.h"
#include "compiler/nft_numbers.h"
#include "compiler/statements.h"
#include "tests/compiler/config_builder.h"
#include "tests/compiler/table_walk.h"

namespace arctic {
namespace {

NodeState lowered(const Config& config, const std::string& node = "syd") {
  return lower(config, allocate(config), order(config, node));
}

std::vector<std::string> texts(const nft::Table& table, const std::string& chain) {
  std::vector<std::string> all;
  for (const nft::Rule& rule : table.chains.at(chain).rules) all.push_back(rule.text);
  return all;
}

std::vector<std::string> elements(const nft::Table& table, const std::string& map) {
  const nft::Map& found = table.maps.at(map);
  std::vector<std::string> all;
  for (const nft::Element& element : found.elements) {
    all.push_back(nft::key_text(found.key, element.first, element.last) + " : " +
                  element.verdict.to_string() +
                  (element.comment.empty() ? "" : " # " + element.comment));
  }
  return all;
}

using Lines = std::vector<std::string>;

Peer& peer_of(test::ConfigBuilder& builder, const std::string& name) {
  return *std::find_if(builder.config.peers.begin(), builder.config.peers.end(),
                       [&](const Peer& peer) { return peer.name.value == name; });
}

/// Addresses and keys, as checked configurations have them.
void complete(test::ConfigBuilder& builder) {
  std::uint8_t number = 0;
  for (Peer& peer : builder.config.peers) {
    ++number;
    peer.public_key.emplace();
    peer.public_key->value.bytes.fill(number);
    peer.address.emplace();
    peer.address->value.text = "192.0.2." + std::to_string(number);
  }
}

TEST_CASE("a node in no service gets nothing") {
  test::ConfigBuilder builder;
  builder.service("s", {{100, "10.0.0.0/8", ""}});
  const Compiled compiled = compile(builder.config, "par");
  CHECK_FALSE(compiled.desired.table);
  CHECK(compiled.desired.links.empty());
  CHECK(compiled.desired.addresses.empty());
  CHECK(compiled.desired.routes.empty());
  CHECK(compiled.desired.rules.empty());
  CHECK(compiled.desired.sysctls.empty());
  CHECK(compiled.pegasus.tunnels.empty());
  CHECK(compiled.pegasus.peers.empty());
  CHECK(compiled.tempest.tunnels.empty());
  CHECK(compiled.desired.files.size() == 2);
}

TEST_CASE("base chains are the same on every node with the same marks") {
  test::ConfigBuilder builder;
  builder.interface_service("one", {{100, "10.0.0.0/8", "10.1.0.0/16"}});
  builder.service("two", {{100, "", "2001:db8::/32"}});
  const NodeState entry = lowered(builder.config, "syd");
  const NodeState exit = lowered(builder.config, "lon");
  std::size_t base = 0;
  for (const auto& [name, chain] : entry.table->chains) {
    const bool shared = name.rfind("down_", 0) == 0 || name.rfind("old_", 0) == 0 ||
                        name == "own" || name == "pegasus" || name == "local_tcp";
    if (chain.hook) ++base;
    if (chain.hook || shared) CHECK(exit.table->chains.at(name) == chain);
  }
  CHECK(base == 7);
  // Replies to Transparent Mode sockets of the node itself come by here too.
  REQUIRE(exit.table->maps.at("capture").elements.size() == 1);
  CHECK(exit.table->maps.at("capture").elements.front().verdict.chain == "local_tcp");
}

std::vector<std::string> comments(const nft::Table& table, const std::string& chain) {
  std::vector<std::string> all;
  for (const nft::Rule& rule : table.chains.at(chain).rules) all.push_back(rule.comment);
  return all;
}

/// The maps and chains of routes; not those that are there on every node.
Lines route_parts(const nft::Table& table) {
  Lines names;
  for (const char* prefix : {"pair_", "source_routes", "dest_routes", "from_"}) {
    const auto is_one = [&](const auto& named) { return named.first.rfind(prefix, 0) == 0; };
    for (const auto& map : table.maps) {
      if (is_one(map)) names.push_back(map.first);
    }
    for (const auto& chain : table.chains) {
      if (is_one(chain)) names.push_back(chain.first);
    }
  }
  return names;
}

TEST_CASE("few routes are a list of rules in the plan's order, IPv4 before IPv6") {
  test::ConfigBuilder builder;
  builder.service("a", {{100, "10.0.0.0/8", "192.168.0.0/16"}, {100, "", "172.16.0.0/12"}});
  builder.service("b", {{100, "2001:db8::/32", "2001:db8:1::/48"},
                        {200, "10.1.0.0/16", "192.168.100.0/24"},
                        {100, "10.2.0.1/32", ""},
                        {100, "", "::/0"},
                        {100, "0.0.0.0/0", "10.9.0.0/16"}});
  const nft::Table table = *lowered(builder.config).table;
  CHECK(texts(table, "classify") ==
        Lines{"ip saddr 10.1.0.0/16 ip daddr 192.168.100.0/24 goto svc_b",
              "ip saddr 10.0.0.0/8 ip daddr 192.168.0.0/16 goto svc_a",
              "ip saddr 0.0.0.0/0 ip daddr 10.9.0.0/16 goto svc_b", "ip saddr 10.2.0.1 goto svc_b",
              "ip daddr 172.16.0.0/12 goto svc_a",
              "ip6 saddr 2001:db8::/32 ip6 daddr 2001:db8:1::/48 goto svc_b",
              "ip6 daddr ::/0 goto svc_b"});
  CHECK(comments(table, "classify") == Lines{"b/1", "a/0", "b/4", "b/2", "a/1", "b/0", "b/3"});
  CHECK(route_parts(table).empty());
  builder.interface_service("lan");
  const nft::Table other = *lowered(builder.config).table;
  CHECK(texts(other, "classify").front() == "iifname vmap @interface_routes");
  CHECK(texts(other, "classify").size() == 8);
}

TEST_CASE("the ninth route of a family makes maps of it, and leaves the other alone") {
  for (const Family family : kFamilies) {
    test::ConfigBuilder builder;
    Service& service = builder.service("s", {{100, "", "172.16.0.0/12"}, {100, "", "fd00::/8"}});
    const auto add = [&](int i) {
      const std::string n = std::to_string(i);
      service.routes.push_back(test::route(
          {100, "",
           (family == Family::kIpv4 ? "10." + n + ".0.0/16" : "fd00:" + n + "::/32").c_str()}));
    };
    for (int i = 1; i <= 7; ++i) add(i);
    const nft::Table few = *lowered(builder.config).table;
    CHECK(texts(few, "classify").size() == 9);
    CHECK(route_parts(few).empty());
    add(8);
    const nft::Table many = *lowered(builder.config).table;
    const bool v4 = family == Family::kIpv4;
    CHECK(texts(many, "classify") ==
          (v4 ? Lines{"ip daddr vmap @dest_routes4", "ip6 daddr fd00::/8 goto svc_s"}
              : Lines{"ip daddr 172.16.0.0/12 goto svc_s", "ip6 daddr vmap @dest_routes6"}));
    CHECK(route_parts(many) == Lines{v4 ? "dest_routes4" : "dest_routes6"});
  }
}

/// Source-only routes for one more service, so that a family has too many for a list.
void crowd(test::ConfigBuilder& builder, Family family) {
  Service& service = builder.service("crowd");
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    service.routes.push_back(test::route(
        {100, (family == Family::kIpv4 ? "11." + n + ".0.0/16" : "fd00:" + n + "::/32").c_str(),
         ""}));
  }
}

TEST_CASE("many routes become maps by source, then by destination, each element with its route") {
  test::ConfigBuilder builder;
  crowd(builder, Family::kIpv4);
  builder.service("a",
                  {{100, "10.0.0.0/8", "192.168.0.0/16"}, {100, "10.0.0.0/8", "192.168.1.0/24"}});
  builder.service("b", {{100, "10.1.0.0/16", "172.16.0.0/12"},
                        {100, "10.2.0.0/16", ""},
                        {100, "", "192.0.2.0/24"},
                        {100, "2001:db8::/32", "2001:db8:1::/48"}});
  const nft::Table table = *lowered(builder.config).table;
  CHECK(elements(table, "pair_sources4") ==
        Lines{"10.0.0.0/16 : jump from_10.0.0.0/8", "10.1.0.0/16 : jump from_10.1.0.0/16",
              "10.2.0.0-10.255.255.255 : jump from_10.0.0.0/8"});
  CHECK(elements(table, "pair_10.0.0.0/8") ==
        Lines{"192.168.0.0/24 : goto svc_a # a/0", "192.168.1.0/24 : goto svc_a # a/1",
              "192.168.2.0-192.168.255.255 : goto svc_a # a/0"});
  CHECK(elements(table, "source_routes4").front() == "10.2.0.0/16 : goto svc_b # b/1");
  CHECK(elements(table, "source_routes4").size() == 9);
  CHECK(elements(table, "dest_routes4") == Lines{"192.0.2.0/24 : goto svc_b # b/2"});
  CHECK(texts(table, "from_10.1.0.0/16") ==
        Lines{"ip daddr vmap @pair_10.1.0.0/16", "goto from_10.0.0.0/8"});
  CHECK(texts(table, "from_10.0.0.0/8") == Lines{"ip daddr vmap @pair_10.0.0.0/8"});
  CHECK(texts(table, "classify") ==
        Lines{"ip saddr vmap @pair_sources4", "ip saddr vmap @source_routes4",
              "ip daddr vmap @dest_routes4",
              "ip6 saddr 2001:db8::/32 ip6 daddr 2001:db8:1::/48 goto svc_b"});
  crowd(builder, Family::kIpv6);
  const nft::Table both = *lowered(builder.config).table;
  CHECK(elements(both, "pair_sources6") == Lines{"2001:db8::/32 : jump from_2001.db8../32"});
  CHECK(elements(both, "pair_2001.db8../32") == Lines{"2001:db8:1::/48 : goto svc_b # b/3"});
  // Nothing looks into a map that would be empty.
  CHECK(both.maps.count("dest_routes6") == 0);
  CHECK(texts(both, "classify").back() == "ip6 saddr vmap @source_routes6");
}

TEST_CASE("the deepest nesting of both families stays within the kernel's limit") {
  test::ConfigBuilder builder;
  Service& service = builder.service("deep");
  service.routes.push_back(test::route({100, "0.0.0.0/0", "10.0.0.0/8"}));
  for (int length = 1; length <= 32; ++length) {
    service.routes.push_back(
        test::route({100, ("128.0.0.0/" + std::to_string(length)).c_str(), "10.0.0.0/8"}));
  }
  for (int length = 1; length <= 128; ++length) {
    service.routes.push_back(
        test::route({100, ("8000::/" + std::to_string(length)).c_str(), "2001:db8::/32"}));
  }
  const nft::Table entry = *lowered(builder.config, "syd").table;
  CHECK(test::deepest_run(entry) == 14);  // classify, a full run of sources, the service
  CHECK(texts(entry, "classify")[0] == "ip saddr vmap @pair_sources4/2");
  CHECK(entry.maps.count("pair_sources6/10") == 1);
  const nft::Table exit = *lowered(builder.config, "lon").table;
  CHECK(test::deepest_run(exit) <= 15);
  CHECK(exit.maps.count("allow_syd6/10") == 1);
}

TEST_CASE("what TCP gets while Pegasus is down is the last rule of the service") {
  for (const OnDown on_down : {OnDown::kReject, OnDown::kDirect, OnDown::kDrop}) {
    test::ConfigBuilder builder;
    builder.service("s", {{100, "10.0.0.0/8", ""}}).on_down.value = on_down;
    const nft::Table table = *lowered(builder.config).table;
    const std::string chain = std::string("down_") + to_string(on_down);
    CHECK(texts(table, "tcp_s").back() == "counter goto " + chain);
    CHECK(table.chains.count(chain) == 1);
  }
}

/// The bits that rules set or clear in marks: what is left out when the others are kept.
std::set<std::uint32_t> bits_changed(const nft::Table& table) {
  std::set<std::uint32_t> all;
  for (const auto& [name, chain] : table.chains) {
    for (const nft::Rule& rule : chain.rules) {
      for (std::size_t i = 1; i < rule.exprs.size(); ++i) {
        const auto* ct = std::get_if<nft::CtSet>(&rule.exprs[i]);
        const bool sets_ct_mark = ct != nullptr && ct->key == nft::kCtMark;
        if (!sets_ct_mark && !std::holds_alternative<nft::MetaSet>(rule.exprs[i])) continue;
        std::uint32_t kept = 0;
        std::memcpy(&kept, std::get<nft::Bitwise>(rule.exprs[i - 1]).mask.data(), sizeof kept);
        all.insert(~kept);
      }
    }
  }
  return all;
}

TEST_CASE("marks follow mark_shift, everywhere") {
  for (const int shift : {0, 7, 16, 19}) {
    test::ConfigBuilder builder;
    builder.service("s", {{100, "10.0.0.0/8", ""}});
    peer_of(builder, "syd").mark_shift.value = shift;
    const NodeState state = lowered(builder.config);
    const Numbers numbers = allocate(builder.config);
    const std::uint32_t mask = 0x1fffU << shift;
    const std::uint32_t peer = std::uint32_t{numbers.peers.at("lon")} << shift;
    const std::uint32_t service = (0x1000U + numbers.services.at("s")) << shift;
    CHECK(state.table->maps.at("peer_marks").elements.at(0).first == peer);
    CHECK(state.table->maps.at("capture").elements.at(0).first == service);
    for (const PolicyRule& rule : state.rules) {
      if (!rule.mark) continue;
      CHECK((*rule.mark & ~rule.mask) == 0);
      CHECK(rule.mask == (rule.preference == 5102 ? 0x1000U << shift : mask));
      if (rule.preference == 5110) CHECK(*rule.mark == peer);
      if (rule.preference == 5101) CHECK(*rule.mark == 0xff1U << shift);
      if (rule.preference == 5108) CHECK(*rule.mark == 0);
    }
    CHECK(bits_changed(*state.table) == std::set<std::uint32_t>{mask});
    const PegasusConfig pegasus = lower_pegasus(builder.config, numbers, "syd");
    CHECK(pegasus.own_mark == 0xff3U << shift);
    CHECK(lower_tempest(builder.config, "syd").own_mark == 0xff3U << shift);
  }
}

TEST_CASE("an interface: device, addresses, sysctls, category 1 in both directions") {
  test::ConfigBuilder builder;
  Service& service = builder.interface_service("lan");
  service.interface->ipv4 = {*parse_host_prefix("10.0.0.9/24"), {}};
  service.interface->ipv6 = {*parse_host_prefix("fd00::9/64"), {}};
  const std::string name = macvlan_name(service);
  SECTION("on the default route's interface") {
    const NodeState state = lowered(builder.config);
    CHECK(state.links.at(name).parent == kDefaultRouteInterface);
    CHECK(state.sysctls.at("net/ipv4/conf/default route/arp_ignore").value == "1");
  }
  peer_of(builder, "syd").parent_interface = {"eth1", {}};
  const NodeState state = lowered(builder.config);
  const Link& link = state.links.at(name);
  CHECK(link.kind == LinkKind::kMacvlan);
  CHECK(link.parent == "eth1");
  CHECK(link.alias == "arctic:lan");
  CHECK(link.up);
  CHECK(state.addresses.count({name, *parse_host_prefix("10.0.0.9/24"), {}}) == 1);
  CHECK(state.addresses.count({name, *parse_host_prefix("fd00::9/64"), {}}) == 1);
  CHECK(state.sysctls.at("net/ipv4/conf/" + name + "/rp_filter").value == "2");
  CHECK(state.sysctls.at("net/ipv4/conf/" + name + "/arp_ignore").value == "1");
  CHECK(state.sysctls.at("net/ipv4/conf/" + name + "/arp_ignore").of_link == name);
  CHECK(state.sysctls.at("net/ipv4/conf/eth1/arp_ignore").value == "1");
  CHECK(state.sysctls.at("net/ipv4/conf/eth1/arp_ignore").of_link.empty());
  CHECK(elements(*state.table, "interface_routes") ==
        Lines{'"' + name + "\" : goto svc_lan # lan"});
  CHECK(elements(*state.table, "interface_addresses4") == Lines{"10.0.0.9 : goto svc_lan # lan"});
  CHECK(elements(*state.table, "interface_addresses6") == Lines{"fd00::9 : goto svc_lan # lan"});

  const NodeState exit = lowered(builder.config, "lon");
  CHECK(exit.links.count(name) == 0);
  CHECK(texts(*exit.table, "allow_syd") == Lines{"accept"});
}

TEST_CASE("two interfaces with one address: one element, the first by name") {
  test::ConfigBuilder builder;
  for (const char* name : {"b", "a"}) {
    builder.interface_service(name).interface->ipv4 = {*parse_host_prefix("10.0.0.9/24"), {}};
  }
  CHECK(elements(*lowered(builder.config).table, "interface_addresses4") ==
        Lines{"10.0.0.9 : goto svc_a # a"});
}

TEST_CASE("a tunnel device for each neighbour, in either role, once") {
  test::ConfigBuilder builder;
  builder.service("there", {{100, "10.0.0.0/8", ""}});
  Service& back = builder.service("back", {{100, "10.9.0.0/16", ""}});
  std::swap(back.source_peer, back.target_peer);
  for (const auto& [node, device] : {std::pair("syd", "tp-lon"), std::pair("lon", "tp-syd")}) {
    const NodeState state = lowered(builder.config, node);
    REQUIRE(state.links.size() == 1);
    const Link& link = state.links.at(device);
    CHECK(link.kind == LinkKind::kTun);
    CHECK(link.alias == "arctic:peer:" + std::string(device).substr(3));
    CHECK(link.mtu == 1420);
    CHECK(link.tx_queue_length == 2000);
    CHECK(link.multi_queue);
    REQUIRE(state.addresses.size() == 1);
    CHECK(state.addresses.begin()->address.to_string() == "192.0.0.8/32");
    CHECK(state.sysctls.at(std::string("net/ipv4/conf/") + device + "/rp_filter").value == "2");
    CHECK(state.sysctls.at(std::string("net/ipv6/conf/") + device + "/addr_gen_mode").value == "1");
    CHECK(state.rules.size() == 14);
    CHECK(state.routes.size() == 6);
    CHECK(state.table->maps.at("allow").elements.size() == 1);
  }
}

TEST_CASE("policy rules and tables are those of the data plane, in both families") {
  test::ConfigBuilder builder;
  builder.service("s", {{100, "10.0.0.0/8", ""}});
  const NodeState state = lowered(builder.config);
  const std::uint32_t n = allocate(builder.config).peers.at("lon");
  for (const Family family : kFamilies) {
    const auto rule = [&](std::uint32_t preference, const char* iif,
                          std::optional<std::uint32_t> mark, std::uint32_t mask, RuleAction action,
                          std::uint32_t target) {
      return state.rules.count({family, preference, iif, mark, mask, action, target, {}, {}});
    };
    CHECK(rule(5100, "lo", {}, 0, RuleAction::kGoto, 5102) == 1);
    CHECK(rule(5101, "", 0x0ff10000, 0x1fff0000, RuleAction::kLookup, 52000) == 1);
    CHECK(rule(5102, "lo", 0x10000000, 0x10000000, RuleAction::kLookup, 52000) == 1);
    CHECK(rule(5108, "", 0, 0x1fff0000, RuleAction::kGoto, 5119) == 1);
    CHECK(rule(5109, "tp-lon", {}, 0, RuleAction::kGoto, 5119) == 1);
    CHECK(rule(5110, "", n << 16, 0x1fff0000, RuleAction::kLookup, 52000 + n) == 1);
    CHECK(rule(5119, "", {}, 0, RuleAction::kNop, 0) == 1);
    const std::uint32_t metric = family == Family::kIpv4 ? 0 : 1024;
    CHECK(state.routes.count({family, 52000, RouteType::kLocal, metric, "lo", {}}) == 1);
    CHECK(state.routes.count({family, 52000 + n, RouteType::kUnicast, metric, "tp-lon", {}}) == 1);
    CHECK(state.routes.count({family, 52000 + n, RouteType::kUnreachable, 0xff000000, "", {}}) ==
          1);
  }
}

TEST_CASE("ports of ours are kept from outgoing connections where these may take them") {
  struct Row {
    std::uint16_t pegasus, tempest;
    std::optional<std::uint16_t> metrics;
    const char* reserved;
  };
  const Row rows[] = {
      {61000, 51840, {}, "51840"},       {61000, 61840, {}, ""},
      {40000, 32768, {}, "32768,40000"}, {32767, 60999, 60998, "60998,60999"},
      {61000, 61840, 60999, "60999"},    {1000, 2000, 50000, "50000,50001"},
  };
  for (const Row& row : rows) {
    test::ConfigBuilder builder;
    builder.service("s", {{100, "10.0.0.0/8", ""}});
    Peer& peer = peer_of(builder, "syd");
    peer.pegasus_port.value = row.pegasus;
    peer.tempest_port.value = row.tempest;
    if (row.metrics) peer.metrics = {Endpoint{"127.0.0.1", *row.metrics}, {}};
    const NodeState state = lowered(builder.config);
    const auto found = state.sysctls.find("net/ipv4/ip_local_reserved_ports");
    CHECK((found == state.sysctls.end() ? "" : found->second.value) == row.reserved);
    if (found != state.sysctls.end()) CHECK(found->second.merge_ports);
    CHECK(state.sysctls.at("net/ipv4/ip_forward").value == "1");
    CHECK(state.sysctls.at("net/ipv6/conf/all/forwarding").value == "1");
  }
}

TEST_CASE("what a neighbour may reach") {
  test::ConfigBuilder builder;
  builder.service("one", {{100, "10.0.0.0/8", "192.168.0.0/16"}, {100, "", "172.16.0.0/12"}});
  builder.service("two", {{100, "2001:db8::/32", ""}});
  const nft::Table table = *lowered(builder.config, "lon").table;
  CHECK(texts(table, "allow_syd") == Lines{"ct direction reply accept", "ip saddr vmap @allow_syd4",
                                           "ip6 saddr vmap @allow_syd6",
                                           "counter reject with icmpx admin-prohibited"});
  CHECK(elements(table, "allow_syd_10.0.0.0/8") == Lines{"192.168.0.0/16 : accept # one/0"});
  CHECK(elements(table, "allow_syd_0.0.0.0/0") == Lines{"172.16.0.0/12 : accept # one/1"});
  CHECK(elements(table, "allow_syd_2001.db8../32") == Lines{"::/0 : accept # two/0"});
  CHECK(texts(table, "allow_syd_10.0.0.0/8") ==
        Lines{"ip daddr vmap @allow_syd_10.0.0.0/8", "goto allow_syd_0.0.0.0/0"});
  // An entry lets in replies and nothing else.
  CHECK(texts(*lowered(builder.config).table, "allow_lon") ==
        Lines{"ct direction reply accept", "counter reject with icmpx admin-prohibited"});
}

TEST_CASE("the runtimes' tunnels") {
  test::ConfigBuilder builder;
  complete(builder);
  Service& service = builder.service("s", {{100, "10.0.0.0/8", ""}, {100, "", "2001:db8::/32"}});
  service.transport = {Transport::kKcp, {}};
  service.proxy_protocol.value = ProxyProtocol::kV2;
  service.on_down.value = OnDown::kDrop;
  service.limit_mbps.value = 9;
  peer_of(builder, "syd").address.reset();
  peer_of(builder, "syd").metrics = {Endpoint{"::1", 9470}, {}};
  peer_of(builder, "lon").address = {HostName{"lon.example.net", {}}, {}};
  const Compiled entry = compile(builder.config, "syd");
  const Compiled exit = compile(builder.config, "lon");

  const PegasusConfig::Tunnel& in = entry.pegasus.tunnels.at(0);
  CHECK(in.role == PegasusConfig::Role::kEntry);
  CHECK(in.peer == "lon");
  CHECK(in.id == service_id(service));
  CHECK(in.transport == Transport::kKcp);
  CHECK(in.proxy_protocol == ProxyProtocol::kV2);
  CHECK(in.limit_mbps == 9);
  CHECK(in.listen_port == 20000 + entry.numbers.services.at("s"));
  CHECK(in.on_down == OnDown::kDrop);
  CHECK(entry.pegasus.peers.at(0).endpoint->to_string() == "lon.example.net:61000");
  CHECK(entry.pegasus.metrics->to_string() == "[::1]:9470");

  const PegasusConfig::Tunnel& out = exit.pegasus.tunnels.at(0);
  CHECK(out.role == PegasusConfig::Role::kExit);
  CHECK(out.peer == "syd");
  REQUIRE(out.allow.size() == 2);
  CHECK(out.allow[0] == PegasusConfig::Allow{test::prefix("10.0.0.0/8"), {}});
  CHECK(out.allow[1] == PegasusConfig::Allow{{}, test::prefix("2001:db8::/32")});
  CHECK_FALSE(exit.pegasus.peers.at(0).endpoint);

  // Who has no address keeps the way open; who has one waits to be called.
  CHECK(entry.tempest.metrics->to_string() == "[::1]:9471");
  CHECK(entry.tempest.tunnels.at(0).endpoint->to_string() == "lon.example.net:51840");
  CHECK(entry.tempest.tunnels.at(0).keepalive == 25);
  CHECK(entry.tempest.tunnels.at(0).device == "tp-lon");
  CHECK(entry.tempest.tunnels.at(0).mtu == 1420);
  CHECK_FALSE(exit.tempest.tunnels.at(0).endpoint);
  CHECK(exit.tempest.tunnels.at(0).keepalive == 0);

  SECTION("a service with an interface may go anywhere") {
    service.interface = Interface{{true, {}}, {}, {}, {}};
    const PegasusConfig pegasus = lower_pegasus(builder.config, allocate(builder.config), "lon");
    CHECK(pegasus.tunnels.at(0).allow == std::vector<PegasusConfig::Allow>{{}});
  }
  CHECK(decode_pegasus_config(entry.artifacts.pegasus_json) == entry.pegasus);
  CHECK(decode_pegasus_config(exit.artifacts.pegasus_json) == exit.pegasus);
  CHECK(decode_tempest_config(entry.artifacts.tempest_json) == entry.tempest);
  CHECK(entry.desired.files.at(kPegasusConfigPath).content == entry.artifacts.pegasus_json);
  CHECK(entry.desired.files.at(kTempestConfigPath).content == entry.artifacts.tempest_json);
}

}  // namespace
}  // namespace arctic
