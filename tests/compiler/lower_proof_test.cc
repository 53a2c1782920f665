// What is loaded into the kernel decides as the rule plan says: the table's expressions, run in
// memory, against the definitions.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "compiler/compile.h"
#include "compiler/trace.h"
#include "tests/compiler/random_config.h"
#include "tests/compiler/table_walk.h"

namespace arctic {
namespace {

constexpr std::size_t kKernelLimit = 15;  // chains in a row below a base chain

constexpr std::ptrdiff_t kFewRoutes = 8;  // of a family: a list; more: maps

std::ptrdiff_t routes_of(const RulePlan& plan, Family family) {
  return std::count_if(plan.rules.begin(), plan.rules.end(), [family](const Rule& rule) {
    return rule.category != Category::kInterface && rule.family() == family;
  });
}

/// Whether packets of the family are looked up in maps.
bool has_lookups(const nft::Table& table, Family family) {
  const auto& rules = table.chains.at("classify").rules;
  return std::any_of(rules.begin(), rules.end(), [family](const nft::Rule& rule) {
    return rule.text.find("vmap") != std::string::npos &&
           rule.text.rfind(family == Family::kIpv4 ? "ip " : "ip6 ", 0) == 0;
  });
}

TEST_CASE("the table classifies as the definition does, and says by which route") {
  test::Random random(11);
  std::size_t won[5] = {};
  std::size_t forms[2][2] = {};           // IPv4 and IPv6, each as a list or as maps
  std::set<std::ptrdiff_t> at_the_limit;  // counts of routes next to it
  for (int run = 0; run < 400; ++run) {
    const Config config = test::random_config(random, run % 2 == 0 ? 40 : 20);
    const Numbers numbers = allocate(config);
    const RulePlan plan = order(config, "syd");
    const NodeState state = lower(config, numbers, plan);
    REQUIRE(state.table);
    CHECK(test::deepest_run(*state.table) <= kKernelLimit);
    for (const Family family : kFamilies) {
      const std::ptrdiff_t routes = routes_of(plan, family);
      CAPTURE(run, routes);
      REQUIRE(has_lookups(*state.table, family) == (routes > kFewRoutes));
      if (routes == kFewRoutes || routes == kFewRoutes + 1) at_the_limit.insert(routes);
    }
    ++forms[has_lookups(*state.table, Family::kIpv4)][has_lookups(*state.table, Family::kIpv6)];
    const test::PacketSource packets(config, plan);
    for (int i = 0; i < 50; ++i) {
      const Packet packet = packets.next(random);
      if (never_captured(packet.to) != nullptr) continue;  // does not get as far as `classify`
      const auto rule = first_match(config, plan, packet);
      const test::Walk walk = test::walk(*state.table, "classify", packet);
      CAPTURE(run, packet.from.to_string(), packet.to.to_string(), packet.iif);
      ++won[rule ? static_cast<std::size_t>(plan.rules[*rule].category) : 0];
      if (!rule) {
        REQUIRE(walk.end.empty());
        continue;
      }
      REQUIRE(walk.end == "svc_" + config.services[plan.rules[*rule].service].name.value);
      REQUIRE(walk.comment == route_label(config, plan.rules[*rule]));
    }
  }
  for (const std::size_t count : won) CHECK(count > 100);
  for (const auto& ipv4 : forms) {
    for (const std::size_t count : ipv4) CHECK(count > 20);
  }
  CHECK(at_the_limit.size() == 2);
}

/// The definition: something that came from `peer` may go where one of the peer's services goes.
bool may_pass(const Config& config, const std::string& peer, const std::string& node,
              const Packet& packet) {
  for (const Service& service : config.services) {
    if (service.source_peer.value != peer || service.target_peer.value != node) continue;
    if (service.has_interface()) return true;
    for (const Route& route : service.routes) {
      const auto fits = [&](const std::optional<Located<Prefix>>& prefix, const Address& address) {
        return !prefix || prefix->value.contains(address);
      };
      const auto& some = route.source ? route.source : route.destination;
      if (some->value.family != packet.from.family) continue;
      if (fits(route.source, packet.from) && fits(route.destination, packet.to)) return true;
    }
  }
  return false;
}

TEST_CASE("an exit lets pass what its neighbour's services say, and no more") {
  test::Random random(12);
  std::size_t passed = 0, refused = 0;
  for (int run = 0; run < 200; ++run) {
    Config config = test::random_config(random, 25);
    if (run % 2 == 0) {
      for (Service& service : config.services) {
        if (!service.routes.empty()) service.interface.reset();
      }
    }
    const Numbers numbers = allocate(config);
    const test::PacketSource packets(config, order(config, "syd"));
    for (const Peer& peer : config.peers) {
      const std::string& node = peer.name.value;
      const NodeState state = lower(config, numbers, order(config, node));
      if (node == "syd" || !state.table) continue;
      CHECK(test::deepest_run(*state.table) <= kKernelLimit);
      for (int i = 0; i < 30; ++i) {
        const Packet packet = packets.next(random);
        const bool expected = may_pass(config, "syd", node, packet);
        CAPTURE(run, node, packet.from.to_string(), packet.to.to_string());
        const test::Walk walk = test::walk(*state.table, "allow_syd", packet);
        REQUIRE(walk.end == (expected ? "accept" : "reject"));
        ++(expected ? passed : refused);
      }
    }
  }
  CHECK(passed > 500);
  CHECK(refused > 500);
}

}  // namespace
}  // namespace arctic
