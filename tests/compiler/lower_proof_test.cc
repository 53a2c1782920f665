// What is loaded into the kernel decides as the rule plan says: the table's expressions, run in
// memory, against the definitions.
#include <catch2/catch.hpp>

#include "compiler/compile.h"
#include "compiler/trace.h"
#include "tests/compiler/random_config.h"
#include "tests/compiler/table_walk.h"

namespace arctic {
namespace {

constexpr std::size_t kKernelLimit = 15;  // chains in a row below a base chain

TEST_CASE("the table classifies as the definition does, and says by which route") {
  test::Random random(11);
  std::size_t won[5] = {};
  for (int run = 0; run < 200; ++run) {
    const Config config = test::random_config(random, 40);
    const Numbers numbers = allocate(config);
    const RulePlan plan = order(config, "syd");
    const NodeState state = lower(config, numbers, plan);
    REQUIRE(state.table);
    CHECK(test::deepest_run(*state.table) <= kKernelLimit);
    const test::PacketSource packets(config, plan);
    for (int i = 0; i < 50; ++i) {
      const Packet packet = packets.next(random);
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
