// The table of sources that lowering and trace share: its shape, and its limit on runs of chains.
#include "compiler/sources.h"

#include <catch2/catch.hpp>

#include "compiler/trace.h"
#include "tests/compiler/config_builder.h"
#include "tests/compiler/random_config.h"

namespace arctic {
namespace {

using test::ConfigBuilder;

void check_table(const SourceTable& table) {
  for (std::size_t i = 0; i < table.groups.size(); ++i) {
    const SourceGroup& group = table.groups[i];
    REQUIRE_FALSE(group.rules.empty());
    REQUIRE(group.source.family == table.family);
    REQUIRE(group.layer() < table.layers.size());
    if (!group.container) {
      REQUIRE(group.depth == 1);
      REQUIRE_FALSE(group.next);
      continue;
    }
    const SourceGroup& container = table.groups[*group.container];
    REQUIRE(*group.container < i);
    REQUIRE(container.source.contains(group.source));
    REQUIRE(container.source.length < group.source.length);
    REQUIRE(container.depth + 1 == group.depth);
    if (group.next) REQUIRE(group.next == group.container);
    REQUIRE(group.next.has_value() == (container.layer() == group.layer()));
  }
  for (std::size_t i = 0; i < table.groups.size(); ++i) {
    int run = 1;
    for (auto at = table.groups[i].next; at; at = table.groups[*at].next) ++run;
    REQUIRE(run <= kMaxRun);
  }
}

std::size_t sizes(const SourceTable& table) {
  std::size_t size = table.source_only.size() + table.destination_only.size();
  for (const auto& group : table.groups) size += group.destinations.size();
  for (const auto& layer : table.layers) size += layer.size();
  return size;
}

TEST_CASE("distinct sources become groups with their own destinations") {
  ConfigBuilder built;
  built.service("a", {{1, "10.0.0.0/8", "192.168.0.0/16"}, {1, "10.0.0.0/8", "192.168.100.0/24"}});
  built.service("b", {{1, "10.1.0.0/16", "0.0.0.0/0"}, {1, "9.0.0.0/8", "1.0.0.0/8"}});
  built.service("c", {{1, "11.0.0.0/8", ""}, {1, "", "12.0.0.0/8"}, {1, "fd00::/8", "fd00::/8"}});
  const RulePlan plan = built.plan();
  const SourceTable table = source_table(plan.rules, Family::kIpv4);
  check_table(table);
  REQUIRE(table.groups.size() == 3);
  CHECK(table.groups[0].source == test::prefix("9.0.0.0/8"));
  CHECK(table.groups[1].source == test::prefix("10.0.0.0/8"));
  CHECK(table.groups[2].source == test::prefix("10.1.0.0/16"));
  CHECK(table.groups[2].next == std::optional<std::size_t>(1));
  CHECK(table.groups[1].destinations.size() == 3);
  CHECK(table.groups[1].rules.size() == 2);
  const std::size_t winner = table.groups[1].destinations[1].winner;
  CHECK(route_label(built.config, plan.rules[winner]) == "a/1");
  REQUIRE(table.layers.size() == 1);
  CHECK(table.layers[0].size() == 4);
  REQUIRE(table.source_only.size() == 1);
  CHECK(route_label(built.config, plan.rules[table.source_only[0].winner]) == "c/0");
  REQUIRE(table.destination_only.size() == 1);
  CHECK(route_label(built.config, plan.rules[table.destination_only[0].winner]) == "c/1");

  const SourceTable other = source_table(plan.rules, Family::kIpv6);
  CHECK(other.groups.size() == 1);
  CHECK(other.source_only.empty());
  CHECK(source_table({}, Family::kIpv6).layers.empty());
}

TEST_CASE("a run of groups leaves room for the chains before and after it") {
  // 15 in a row is the kernel's limit, and a service has chains of its own.
  CHECK(kMaxRun == 12);
}

TEST_CASE("sources nested as deep as a family goes stay within the limit on chains") {
  for (const Family family : kFamilies) {
    ConfigBuilder built;
    Service& service = built.service("nested");
    const U128 middle = max_address(family) / 3;
    const int bits = address_bits(family);
    for (int length = 0; length <= bits; ++length) {
      // Each source has a destination that only it has, and one that all have.
      Route own = test::route({1, "", ""});
      own.source = Located<Prefix>{network_of({family, middle}, length), {}};
      own.destination =
          Located<Prefix>{network_of({family, static_cast<U128>(length) << (bits - 16)}, bits), {}};
      service.routes.push_back(own);
    }
    const RulePlan plan = built.plan();
    const SourceTable table = source_table(plan.rules, family);
    check_table(table);
    const auto depth = static_cast<std::size_t>(bits) + 1;
    REQUIRE(table.groups.size() == depth);
    CHECK(table.layers.size() == (depth + kMaxRun - 1) / kMaxRun);
    CHECK(sizes(table) <= 3 * depth);

    const Tracer tracer(built.config, plan);
    for (int length = 0; length <= bits; ++length) {
      // From the far end of each source, to the destination of every other.
      for (int to = 0; to <= bits; ++to) {
        const U128 outside = length == bits ? middle : middle ^ (U128{1} << (bits - 1 - length));
        const Packet packet{
            {family, outside}, {family, static_cast<U128>(to) << (bits - 16)}, 6, {}};
        const auto expected = first_match(built.config, plan, packet);
        REQUIRE(expected.has_value() == (to <= length));
        REQUIRE(tracer.match(packet) == expected);
      }
    }
  }
}

TEST_CASE("random tables keep their shape and stay linear") {
  test::Random random(4);
  for (int run = 0; run < 300; ++run) {
    const Config config = test::random_config(random, 60);
    const RulePlan plan = order(config, "syd");
    std::size_t rules = 0;
    for (const Family family : kFamilies) {
      const SourceTable table = source_table(plan.rules, family);
      check_table(table);
      for (const SourceGroup& group : table.groups) rules += group.rules.size();
      REQUIRE(sizes(table) <= 4 * plan.rules.size());
    }
    std::size_t pairs = 0;
    for (const Rule& rule : plan.rules) pairs += rule.category == Category::kPair ? 1U : 0U;
    REQUIRE(rules == pairs);
  }
}

}  // namespace
}  // namespace arctic
