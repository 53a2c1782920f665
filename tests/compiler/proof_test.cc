// Two evaluators of the plan agree on random configurations: the definition and the flattened maps.
// The full number of pairs is the business of bench_proof, the kernel that of the lab.
#include <catch2/catch.hpp>

#include "compiler/trace.h"
#include "tests/compiler/random_config.h"

namespace arctic {
namespace {

TEST_CASE("first match and flattened maps agree") {
  test::Random random(5);
  std::size_t pairs = 0;
  std::size_t won[5] = {};
  for (int run = 0; run < 1000; ++run) {
    const Config config = test::random_config(random, 40);
    const RulePlan plan = order(config, "syd");
    const Tracer tracer(config, plan);
    const test::PacketSource packets(config, plan);
    for (int i = 0; i < 50; ++i, ++pairs) {
      const Packet packet = packets.next(random);
      const auto expected = first_match(config, plan, packet);
      CAPTURE(run, packet.from.to_string(), packet.to.to_string(), packet.iif);
      REQUIRE(tracer.match(packet) == expected);
      ++won[expected ? static_cast<std::size_t>(plan.rules[*expected].category) : 0];
    }
  }
  CHECK(pairs == 50000);
  // Agreement about nothing would prove nothing.
  for (const std::size_t count : won) CHECK(count > 500);
}

}  // namespace
}  // namespace arctic
