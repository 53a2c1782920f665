#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "compiler/lower_parts.h"
#include "compiler/lower_sources.h"
#include "compiler/statements.h"

namespace arctic {
namespace {

using nft::make_rule;

/// Up to so many routes of one family are a list of rules: a rule that does not match costs 10 to
/// 25 ns, a look-up in an interval map 60 to 100, however small the map is.
constexpr std::ptrdiff_t kFewRoutes = 8;

std::vector<RuleVerdict> verdicts_of(const Config& config, const RulePlan& plan) {
  std::vector<RuleVerdict> verdicts;
  verdicts.reserve(plan.rules.size());
  for (const Rule& rule : plan.rules) {
    RuleVerdict& verdict = verdicts.emplace_back();
    verdict.verdict = {nft::VerdictCode::kGoto, "svc_" + config.services[rule.service].name.value};
    verdict.comment = route_label(config, rule);
  }
  return verdicts;
}

/// Categories 2 to 4, rule by rule: the first that matches wins, as in the plan.
void add_list(const std::vector<Rule>& plan, Family family,
              const std::vector<RuleVerdict>& verdicts, std::vector<nft::Rule>& rules) {
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Rule& rule = plan[i];
    if (rule.category == Category::kInterface || rule.family() != family) continue;
    rules.push_back(make_rule(
        {nft::address_in(rule.source, rule.destination), nft::verdict(verdicts[i].verdict)},
        verdicts[i].comment));
  }
}

/// The same through interval maps; one that would be empty is left out, since a packet would pay
/// for looking into it.
void add_lookups(const std::vector<Rule>& plan, Family family,
                 const std::vector<RuleVerdict>& verdicts, nft::Table& table,
                 std::vector<nft::Rule>& rules) {
  const std::string digit = family == Family::kIpv4 ? "4" : "6";
  const SourceTable sources = source_table(plan, family);
  for (nft::Rule& rule :
       add_sources(table, sources, {"pair_sources" + digit, "pair_", "from_"}, verdicts)) {
    rules.push_back(std::move(rule));
  }
  const auto look_up = [&](const std::string& map, nft::Side side,
                           const std::vector<Interval>& intervals) {
    if (intervals.empty()) return;
    table.maps[map] = address_map(family, elements_of(intervals, verdicts));
    rules.push_back(make_rule({nft::address_vmap(family, side, map)}));
  };
  look_up("source_routes" + digit, nft::Side::kSource, sources.source_only);
  look_up("dest_routes" + digit, nft::Side::kDestination, sources.destination_only);
}

}  // namespace

void lower_classify(const Config& config, const RulePlan& plan, nft::Table& table) {
  const std::vector<RuleVerdict> verdicts = verdicts_of(config, plan);
  std::vector<nft::Rule>& rules = table.chains["classify"].rules;
  if (!table.maps["interface_routes"].elements.empty()) {
    rules.push_back(make_rule({nft::iifname_vmap("interface_routes")}));
  }
  for (const Family family : kFamilies) {
    const auto routes =
        std::count_if(plan.rules.begin(), plan.rules.end(), [family](const Rule& rule) {
          return rule.category != Category::kInterface && rule.family() == family;
        });
    if (routes <= kFewRoutes) {
      add_list(plan.rules, family, verdicts, rules);
    } else {
      add_lookups(plan.rules, family, verdicts, table, rules);
    }
  }
}

}  // namespace arctic
