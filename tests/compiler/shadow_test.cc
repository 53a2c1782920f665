// Which routes can never win, and which priorities have no effect: tables by hand, and twins that
// try every packet of a small universe.
#include "compiler/shadow.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "tests/compiler/config_builder.h"
#include "tests/compiler/random_config.h"
#include "tests/compiler/tiny_universe.h"

namespace arctic {
namespace {

using test::ConfigBuilder;
using test::RouteText;

struct Row {
  const char* what;
  std::vector<RouteText> routes;   ///< each in a service of its own: s0, s1, …
  std::vector<std::size_t> never;  ///< those that never win
};

void check(const Row& row) {
  CAPTURE(row.what);
  ConfigBuilder built;
  for (std::size_t i = 0; i < row.routes.size(); ++i) {
    built.service("s" + std::to_string(i), {row.routes[i]});
  }
  const RulePlan plan = built.plan();
  const auto blockers = shadowed(plan);
  std::vector<bool> expected(row.routes.size());
  for (const std::size_t i : row.never) expected[i] = true;
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    const Rule& rule = plan.rules[i];
    CAPTURE(route_label(built.config, rule));
    CHECK(blockers[i].has_value() == expected[rule.service]);
    if (blockers[i]) CHECK(*blockers[i] < i);
  }
}

TEST_CASE("a route never wins if others take all its packets") {
  const Row rows[] = {
      {"nothing", {}, {}},
      {"alone", {{1, "10.0.0.0/8", ""}}, {}},
      {"same match, lower priority", {{1, "10.0.0.0/8", ""}, {2, "10.0.0.0/8", ""}}, {0}},
      {"same pair", {{2, "10.0.0.0/8", "1.0.0.0/8"}, {1, "10.0.0.0/8", "1.0.0.0/8"}}, {1}},
      {"same destination", {{2, "", "1.0.0.0/8"}, {1, "", "1.0.0.0/8"}}, {1}},
      {"narrower takes a part", {{1, "10.0.0.0/8", ""}, {1, "10.0.0.0/9", ""}}, {}},
      {"two halves of a source",
       {{1, "10.0.0.0/8", ""}, {1, "10.0.0.0/9", ""}, {1, "10.128.0.0/9", ""}},
       {0}},
      {"a half and two quarters",
       {{1, "", "10.0.0.0/8"},
        {1, "", "10.0.0.0/9"},
        {1, "", "10.128.0.0/10"},
        {1, "", "10.192.0.0/10"}},
       {0}},
      {"a quarter is missing",
       {{1, "", "10.0.0.0/8"}, {1, "", "10.0.0.0/9"}, {1, "", "10.128.0.0/10"}},
       {}},
      {"halves of the destination in one source",
       {{1, "10.0.0.0/8", "1.0.0.0/8"},
        {1, "10.0.0.0/8", "1.0.0.0/9"},
        {1, "10.0.0.0/8", "1.128.0.0/9"}},
       {0}},
      {"halves of the source with wider destinations",
       {{1, "10.0.0.0/8", "1.0.0.0/8"},
        {1, "10.0.0.0/9", "0.0.0.0/0"},
        {1, "10.128.0.0/9", "1.0.0.0/8"}},
       {0}},
      {"halves of the source, one with half the destination",
       {{1, "10.0.0.0/8", "1.0.0.0/8"},
        {1, "10.0.0.0/9", "0.0.0.0/0"},
        {1, "10.128.0.0/9", "1.0.0.0/9"}},
       {}},
      {"the other half in its own source",
       {{1, "10.0.0.0/8", "1.0.0.0/8"},
        {1, "10.0.0.0/9", "0.0.0.0/0"},
        {1, "10.128.0.0/9", "1.0.0.0/9"},
        {1, "10.0.0.0/8", "1.128.0.0/9"}},
       {0}},
      {"a wider source does not take from a narrower one",
       {{1, "10.0.0.0/8", "1.0.0.0/9"}, {9, "0.0.0.0/0", "0.0.0.0/0"}},
       {}},
      {"a pair with any destination covers a source",
       {{1, "10.0.0.0/8", ""}, {1, "10.0.0.0/8", "0.0.0.0/0"}},
       {0}},
      {"a wider one does too", {{1, "10.0.0.0/8", ""}, {1, "8.0.0.0/5", "0.0.0.0/0"}}, {0}},
      {"a narrower one does not", {{1, "10.0.0.0/8", ""}, {1, "10.0.0.0/9", "0.0.0.0/0"}}, {}},
      {"pairs of nested sources together have every destination",
       {{1, "10.0.0.0/8", ""}, {1, "10.0.0.0/8", "0.0.0.0/1"}, {1, "0.0.0.0/0", "128.0.0.0/1"}},
       {0}},
      {"in a half by pairs, in the other by a source",
       {{1, "10.0.0.0/8", ""}, {1, "10.0.0.0/9", "0.0.0.0/0"}, {1, "10.128.0.0/9", ""}},
       {0}},
      {"any source covers every destination",
       {{1, "0.0.0.0/0", ""}, {9, "", "1.1.1.1/32"}, {9, "", "0.0.0.0/0"}},
       {1, 2}},
      {"in halves too", {{1, "0.0.0.0/1", ""}, {1, "128.0.0.0/1", ""}, {9, "", "1.1.1.1/32"}}, {2}},
      {"any pair covers the destinations in it",
       {{1, "0.0.0.0/0", "1.0.0.0/8"}, {9, "", "1.1.1.1/32"}, {9, "", "0.0.0.0/0"}},
       {1}},
      {"a destination taken by pairs in one half and by a source in the other",
       {{1, "0.0.0.0/1", "1.0.0.0/8"},
        {1, "128.0.0.0/1", ""},
        {9, "", "1.0.0.0/8"},
        {9, "", "2.0.0.0/8"}},
       {2}},
      {"families do not meet",
       {{1, "0.0.0.0/0", "0.0.0.0/0"}, {1, "::/0", ""}, {1, "", "::/0"}},
       {2}},
      {"IPv6 halves", {{1, "fd00::/8", ""}, {1, "fd00::/9", ""}, {1, "fd80::/9", ""}}, {0}},
      {"IPv6: everything from everywhere",
       {{1, "::/0", "::/1"},
        {1, "::/0", "8000::/1"},
        {1, "", "fd00::1/128"},
        {1, "fd00::/8", ""},
        {1, "::/0", "::/0"}},
       {2, 3, 4}},
      {"the last address of a family",
       {{1, "255.255.255.254/31", ""},
        {1, "255.255.255.255/32", ""},
        {1, "255.255.255.254/32", ""}},
       {0}},
      {"the last address of IPv6",
       {{1, "", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
        {1, "", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
        {1, "", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128"}},
       {0}}};
  for (const Row& row : rows) check(row);
}

TEST_CASE("an interface neither shadows nor is shadowed") {
  ConfigBuilder built;
  built.interface_service("a");
  built.interface_service("b", {{1, "10.0.0.0/8", "0.0.0.0/0"}});
  for (const auto& blocker : shadowed(built.plan())) CHECK_FALSE(blocker.has_value());
}

TEST_CASE("the rule named is the one with the same match, or one that takes everything") {
  ConfigBuilder built;
  built.service("low", {{1, "10.0.0.0/8", ""}});
  built.service("part", {{1, "10.0.0.0/16", ""}, {1, "0.0.0.0/0", "0.0.0.0/0"}});
  built.service("high", {{2, "10.0.0.0/8", ""}});
  const RulePlan plan = built.plan();
  const auto blockers = shadowed(plan);
  std::map<std::string, std::string> named;
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    if (!blockers[i]) continue;
    named[route_label(built.config, plan.rules[i])] =
        route_label(built.config, plan.rules[*blockers[i]]);
  }
  CHECK(named == std::map<std::string, std::string>{
                     {"low/0", "high/0"}, {"high/0", "part/1"}, {"part/0", "part/1"}});
}

TEST_CASE("shadowed and overruled are exact on random plans of a small universe") {
  // bench_proof tries many more, without sanitizers.
  test::Random random(6);
  test::TinyUniverse universe;
  for (int run = 0; run < 20'000; ++run) {
    const std::string disagreement = universe.try_plan(random);
    if (!disagreement.empty()) FAIL("run " << run << ": " << disagreement);
  }
  // Agreement about nothing would prove nothing.
  CHECK(universe.counts().never > 10'000);
  CHECK(universe.counts().unions > 1'000);
  CHECK(universe.counts().without_effect > 5'000);
}

/// Addresses of which each stands for all between two edges of the prefixes of its axis.
std::vector<U128> stand_ins(const std::vector<Rule>& rules, Family family,
                            std::optional<Prefix> Rule::*axis) {
  std::vector<U128> out{0};
  for (const Rule& rule : rules) {
    const std::optional<Prefix>& prefix = rule.*axis;
    if (rule.family() != family || !prefix) continue;
    out.push_back(prefix->first());
    if (prefix->last() != max_address(family)) out.push_back(prefix->last() + 1);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

TEST_CASE("shadowed is exact on prefixes of any length") {
  test::Random random(7);
  for (int run = 0; run < 300; ++run) {
    const Config config = test::random_config(random, 16);
    RulePlan plan = order(config, "syd");
    std::erase_if(plan.rules, [](const Rule& r) { return r.category == Category::kInterface; });
    std::vector<bool> reached(plan.rules.size());
    for (const Family family : kFamilies) {
      for (const U128 from : stand_ins(plan.rules, family, &Rule::source)) {
        for (const U128 to : stand_ins(plan.rules, family, &Rule::destination)) {
          for (std::size_t i = 0; i < plan.rules.size(); ++i) {
            const Rule& rule = plan.rules[i];
            if (rule.family() != family) continue;
            if (rule.source && !rule.source->contains(Address{family, from})) continue;
            if (rule.destination && !rule.destination->contains(Address{family, to})) continue;
            reached[i] = true;
            break;
          }
        }
      }
    }
    const auto blockers = shadowed(plan);
    for (std::size_t i = 0; i < plan.rules.size(); ++i) {
      if (blockers[i].has_value() == reached[i]) FAIL("run " << run << ", rule " << i);
    }
  }
}

}  // namespace
}  // namespace arctic
