#include "compiler/lower_sources.h"

#include <algorithm>
#include <utility>

#include "compiler/statements.h"

namespace arctic {
namespace {

void add_group(nft::Table& table, const SourceTable& sources, const SourceGroup& group,
               const SourceNames& names, const std::vector<RuleVerdict>& verdicts) {
  const std::string source = source_name(group.source);
  const std::string map = names.map_prefix + source;
  nft::Chain chain;
  chain.rules.push_back(
      nft::make_rule({nft::address_vmap(sources.family, nft::Side::kDestination, map)}));
  if (group.next) {
    const std::string next = source_name(sources.groups[*group.next].source);
    chain.rules.push_back(nft::make_rule({nft::go_to(names.chain_prefix + next)}));
  }
  table.maps[map] = address_map(sources.family, elements_of(group.destinations, verdicts));
  table.chains[names.chain_prefix + source] = std::move(chain);
}

std::vector<nft::Element> layer_elements(const SourceTable& sources, std::size_t layer,
                                         const SourceNames& names) {
  std::vector<nft::Element> elements;
  for (const Interval& interval : sources.layers[layer]) {
    const std::string source = source_name(sources.groups[interval.winner].source);
    elements.push_back({interval.first,
                        interval.last,
                        {nft::VerdictCode::kJump, names.chain_prefix + source},
                        {}});
  }
  return elements;
}

}  // namespace

std::string source_name(const Prefix& source) {
  std::string name = source.to_string();
  std::replace(name.begin(), name.end(), ':', '.');
  return name;
}

std::vector<nft::Element> elements_of(const std::vector<Interval>& intervals,
                                      const std::vector<RuleVerdict>& verdicts) {
  std::vector<nft::Element> elements;
  elements.reserve(intervals.size());
  for (const Interval& interval : intervals) {
    const RuleVerdict& rule = verdicts[interval.winner];
    elements.push_back({interval.first, interval.last, rule.verdict, rule.comment});
  }
  return elements;
}

nft::Map address_map(Family family, std::vector<nft::Element> elements) {
  const auto key = family == Family::kIpv4 ? nft::KeyType::kIpv4 : nft::KeyType::kIpv6;
  return {key, true, std::move(elements)};
}

std::vector<nft::Rule> add_sources(nft::Table& table, const SourceTable& sources,
                                   const SourceNames& names,
                                   const std::vector<RuleVerdict>& verdicts) {
  for (const SourceGroup& group : sources.groups) {
    add_group(table, sources, group, names, verdicts);
  }
  std::vector<nft::Rule> rules;
  for (std::size_t layer = sources.layers.size(); layer-- > 0;) {
    const std::string map =
        layer == 0 ? names.sources : names.sources + '/' + std::to_string(layer);
    table.maps[map] = address_map(sources.family, layer_elements(sources, layer, names));
    rules.push_back(nft::make_rule({nft::address_vmap(sources.family, nft::Side::kSource, map)}));
  }
  return rules;
}

}  // namespace arctic
