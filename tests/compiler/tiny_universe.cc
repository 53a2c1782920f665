#include "tests/compiler/tiny_universe.h"

#include <algorithm>
#include <array>

#include "compiler/overruled.h"
#include "compiler/shadow.h"

namespace arctic::test {
namespace {

constexpr int kWidth = 4;
constexpr std::size_t kCells = 1U << kWidth;

/// The cells of one axis that a prefix of at most kWidth bits covers.
std::uint32_t cells(const std::optional<Prefix>& prefix) {
  if (!prefix) return (1U << kCells) - 1;
  const int spare = address_bits(prefix->family) - kWidth;
  const auto first = static_cast<unsigned>(prefix->first() >> spare);
  const auto last = static_cast<unsigned>(prefix->last() >> spare);
  return ((1U << (last + 1)) - 1) & ~((1U << first) - 1);
}

/// Every source cell against every destination cell, in the order of the rules.
std::vector<bool> reached_by_trying(const std::vector<Rule>& rules) {
  std::array<std::uint32_t, kCells> taken[2] = {};
  std::vector<bool> reached(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto& rows = taken[rules[i].family() == Family::kIpv4 ? 0 : 1];
    const std::uint32_t sources = cells(rules[i].source);
    const std::uint32_t destinations = cells(rules[i].destination);
    for (std::size_t row = 0; row < kCells; ++row) {
      if ((sources >> row & 1U) == 0) continue;
      if ((destinations & ~rows[row]) != 0) reached[i] = true;
      rows[row] |= destinations;
    }
  }
  return reached;
}

Rule tiny_rule(Random& random, Family family, std::uint32_t service) {
  const std::size_t kind = below(random, 8);
  // Narrow universes in most runs, where unions that cover everything are frequent.
  const int width = static_cast<int>(1 + below(random, kWidth));
  Rule rule;
  rule.category = kind < 5   ? Category::kPair
                  : kind < 7 ? Category::kSource
                             : Category::kDestination;
  if (kind < 7) rule.source = tiny_prefix(random, family, width);
  if (kind < 5 || kind == 7) rule.destination = tiny_prefix(random, family, width);
  rule.priority = static_cast<std::uint32_t>(below(random, 3));
  rule.service = service;
  rule.route = 0;
  return rule;
}

bool overlap(const Rule& a, const Rule& b) {
  const auto meet = [](const std::optional<Prefix>& x, const std::optional<Prefix>& y) {
    return !x || !y || x->overlaps(*y);
  };
  return a.family() == b.family() && meet(a.source, b.source) && meet(a.destination, b.destination);
}

bool overrules(const Rule& earlier, const Rule& rule) {
  if (earlier.service == rule.service || earlier.priority >= rule.priority) return false;
  if (!overlap(earlier, rule)) return false;
  return earlier.category != Category::kSource || rule.category != Category::kDestination ||
         rule.destination->length <= earlier.source->length;
}

bool any_overrules(const std::vector<Rule>& rules, std::size_t rule) {
  for (std::size_t i = 0; i < rule; ++i) {
    if (overrules(rules[i], rules[rule])) return true;
  }
  return false;
}

}  // namespace

TinyUniverse::TinyUniverse() {
  for (int i = 0; i < 5; ++i) {
    config_.services.emplace_back();
    config_.services.back().name.value = "s" + std::to_string(i);
  }
}

RulePlan TinyUniverse::make_plan(Random& random) const {
  RulePlan plan;
  const std::size_t services = 1 + below(random, config_.services.size());
  const std::size_t mix = below(random, 10);  // one plan in ten has both families
  for (std::size_t i = 1 + below(random, 12); i > 0; --i) {
    const Family family = kFamilies[mix == 9 ? i % 2 : mix % 2];
    plan.rules.push_back(
        tiny_rule(random, family, static_cast<std::uint32_t>(below(random, services))));
    plan.rules.back().route = static_cast<std::int32_t>(i);
  }
  std::sort(plan.rules.begin(), plan.rules.end(),
            [&](const Rule& a, const Rule& b) { return comes_before(config_, a, b); });
  return plan;
}

std::string TinyUniverse::try_plan(Random& random) {
  const RulePlan plan = make_plan(random);
  const std::vector<Rule>& rules = plan.rules;
  const auto blockers = shadowed(plan);
  const auto above = overruled(plan, source_tables(rules));
  const std::vector<bool> reached = reached_by_trying(rules);
  ++counts_.plans;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string rule = "rule " + std::to_string(i);
    if (blockers[i].has_value() == reached[i]) return rule + " is reached, or is not";
    if (blockers[i]) {
      const Rule& blocker = rules[*blockers[i]];
      if (*blockers[i] >= i || !overlap(blocker, rules[i])) return rule + " has a wrong blocker";
      ++counts_.never;
      if (!covers(blocker, rules[i])) ++counts_.unions;
    }
    if (above[i].has_value() != any_overrules(rules, i)) return rule + " is overruled, or is not";
    if (!above[i]) continue;
    if (*above[i] >= i || !overrules(rules[*above[i]], rules[i])) return rule + ": wrong overruler";
    ++counts_.without_effect;
  }
  return {};
}

}  // namespace arctic::test
