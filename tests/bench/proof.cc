// bench_proof [PAIRS [SEED]]: the evaluators of the rule plan agree, in numbers; and how fast they
// are.
//
// Compares the naive first match with the flattened maps over PAIRS random (configuration, packet)
// pairs, and the order checks with a twin that tries every packet, over a fifth as many random
// plans. Prints what was compared and the seed; exits with 1 at the first disagreement. Then prints
// the rate of trace over 1,000 routes and the time of the order checks over 10,000 and 100,000.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "compiler/shadow.h"
#include "compiler/trace.h"
#include "tests/compiler/random_config.h"
#include "tests/compiler/tiny_universe.h"

namespace arctic {
namespace {

/// Processor time, which a busy machine does not stretch.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC;
  }

 private:
  std::clock_t start_ = std::clock();
};

std::string place(const std::optional<std::size_t>& rule) {
  return rule ? "rule " + std::to_string(*rule) : "no rule";
}

bool prove_maps(std::size_t pairs, std::uint64_t seed) {
  test::Random random(seed);
  const Stopwatch watch;
  std::size_t checked = 0, configs = 0;
  std::size_t won[5] = {};
  while (checked < pairs) {
    const Config config = test::random_config(random, 60);
    const RulePlan plan = order(config, "syd");
    const Tracer tracer(config, plan);
    const test::PacketSource packets(config, plan);
    ++configs;
    for (int i = 0; i < 100 && checked < pairs; ++i, ++checked) {
      const Packet packet = packets.next(random);
      const auto expected = first_match(config, plan, packet);
      const auto answer = tracer.match(packet);
      if (answer != expected) {
        std::printf(
            "DISAGREE: configuration %zu, %s to %s on \"%s\": %s, maps say %s (seed %llu)\n",
            configs, packet.from.to_string().c_str(), packet.to.to_string().c_str(),
            packet.iif.c_str(), place(expected).c_str(), place(answer).c_str(),
            static_cast<unsigned long long>(seed));
        return false;
      }
      ++won[expected ? static_cast<std::size_t>(plan.rules[*expected].category) : 0];
    }
  }
  const double time = watch.seconds();
  std::printf(
      "first match = flattened maps: %zu pairs, %zu configurations, %.0f pairs/s, seed %llu\n"
      "  decided by interface %zu, pair %zu, source %zu, destination %zu, nobody %zu\n",
      checked, configs, static_cast<double>(checked) / time, static_cast<unsigned long long>(seed),
      won[1], won[2], won[3], won[4], won[0]);
  return true;
}

bool prove_checks(std::size_t plans, std::uint64_t seed) {
  test::Random random(seed);
  test::TinyUniverse universe;
  const Stopwatch watch;
  for (std::size_t i = 0; i < plans; ++i) {
    const std::string disagreement = universe.try_plan(random);
    if (disagreement.empty()) continue;
    std::printf("DISAGREE: plan %zu: %s (seed %llu)\n", i, disagreement.c_str(),
                static_cast<unsigned long long>(seed));
    return false;
  }
  const auto& counts = universe.counts();
  std::printf(
      "order checks = every packet tried: %zu plans, %.0f plans/s, seed %llu\n"
      "  routes that never win %zu (%zu by several others), without effect %zu\n",
      counts.plans, static_cast<double>(counts.plans) / watch.seconds(),
      static_cast<unsigned long long>(seed), counts.never, counts.unions, counts.without_effect);
  return true;
}

/// `routes` pairs over `sources` nested sources, both families, priorities of all kinds.
Config large_config(test::Random& random, std::size_t routes, std::size_t sources) {
  Config config;
  for (const char* name : {"syd", "lon"}) {
    config.peers.emplace_back();
    config.peers.back().name.value = name;
  }
  for (int i = 0; i < 20; ++i) {
    config.services.emplace_back();
    config.services.back().name.value = "s" + std::to_string(i);
    config.services.back().source_peer.value = "syd";
    config.services.back().target_peer.value = "lon";
  }
  std::vector<Prefix> from;
  for (std::size_t i = 0; i < sources; ++i) {
    from.push_back(test::nested_prefix(random, kFamilies[i % 2]));
  }
  for (std::size_t i = 0; i < routes; ++i) {
    const Prefix& source = from[test::below(random, from.size())];
    const int least = source.family == Family::kIpv4 ? 8 : 16;
    const U128 to = ((U128{random()} << 64) | random()) & max_address(source.family);
    Route route;
    route.priority = Located<std::uint32_t>{static_cast<std::uint32_t>(i), {}};
    if (i % 20 != 0) route.source = Located<Prefix>{source, {}};
    if (i % 20 != 1) {
      const int length = least + static_cast<int>(test::below(random, 17));
      route.destination = Located<Prefix>{network_of({source.family, to}, length), {}};
    }
    config.services[i % config.services.size()].routes.push_back(route);
  }
  return config;
}

void time_trace() {
  test::Random random(1);
  const Config config = large_config(random, 1000, 50);
  const RulePlan plan = order(config, "syd");
  const Tracer tracer(config, plan);
  const test::PacketSource source(config, plan);
  std::vector<Packet> packets;
  for (int i = 0; i < 10'000; ++i) packets.push_back(source.next(random));
  std::size_t matched = 0, asked = 0;
  const Stopwatch watch;
  for (int run = 0; run < 200; ++run) {
    for (const Packet& packet : packets) matched += tracer.match(packet) ? 1U : 0U;
    asked += packets.size();
  }
  const double time = watch.seconds();
  std::printf("trace over 1,000 routes: %.1f million packets/s (%zu of %zu matched)\n",
              static_cast<double>(asked) / time / 1e6, matched, asked);
}

void time_checks(std::size_t routes, std::size_t sources) {
  test::Random random(2);
  const Config config = large_config(random, routes, sources);
  const Stopwatch watch;
  const RulePlan plan = order(config, "syd");
  const double ordering = watch.seconds();
  Diagnostics diagnostics;
  check_order(config, diagnostics);
  std::printf("%zu routes of %zu sources: order %.3f s, its checks %.3f s (%zu warnings)\n", routes,
              sources, ordering, watch.seconds() - ordering, diagnostics.warnings());
}

}  // namespace
}  // namespace arctic

int main(int argc, char** argv) {
  const std::size_t pairs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  if (!arctic::prove_maps(pairs, seed) || !arctic::prove_checks(pairs / 5, seed)) return 1;
  arctic::time_trace();
  for (const std::size_t sources : {200U, 2000U}) {
    for (const std::size_t routes : {10'000U, 100'000U}) arctic::time_checks(routes, sources);
  }
  return 0;
}
