#include "compiler/sources.h"

#include <algorithm>
#include <utility>

namespace arctic {
namespace {

using Indices = std::vector<std::size_t>;

/// Flattens one prefix of each rule listed; winners become rule indices.
template <class PrefixOf>
std::vector<Interval> flatten_rules(const Indices& rules, PrefixOf prefix_of) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(rules.size());
  for (const std::size_t rule : rules) prefixes.push_back(prefix_of(rule));
  std::vector<Interval> out = flatten(prefixes);
  for (Interval& interval : out) interval.winner = rules[interval.winner];
  return out;
}

void add_groups(SourceTable& table, const std::vector<Rule>& rules, Indices pairs) {
  const auto place = [&](std::size_t i) {
    return std::pair{rules[i].source->bits, rules[i].source->length};
  };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  for (std::size_t i = 0; i < pairs.size();) {
    std::size_t end = i + 1;
    while (end < pairs.size() && place(pairs[end]) == place(pairs[i])) ++end;
    SourceGroup group;
    group.source = *rules[pairs[i]].source;
    group.rules.assign(pairs.begin() + static_cast<std::ptrdiff_t>(i),
                       pairs.begin() + static_cast<std::ptrdiff_t>(end));
    group.destinations =
        flatten_rules(group.rules, [&](std::size_t r) { return *rules[r].destination; });
    table.groups.push_back(std::move(group));
    i = end;
  }
}

void link_groups(SourceTable& table) {
  Indices open;  // the groups that contain the one at hand, widest first
  for (std::size_t i = 0; i < table.groups.size(); ++i) {
    SourceGroup& group = table.groups[i];
    while (!open.empty() && !table.groups[open.back()].source.contains(group.source)) {
      open.pop_back();
    }
    if (!open.empty()) {
      const SourceGroup& container = table.groups[open.back()];
      group.container = open.back();
      group.depth = container.depth + 1;
      if (container.layer() == group.layer()) group.next = open.back();
    }
    open.push_back(i);
  }
}

void add_layers(SourceTable& table) {
  std::vector<Indices> members;
  for (std::size_t i = 0; i < table.groups.size(); ++i) {
    const std::size_t layer = table.groups[i].layer();
    if (layer >= members.size()) members.resize(layer + 1);
    members[layer].push_back(i);
  }
  for (const Indices& layer : members) {
    table.layers.push_back(
        flatten_rules(layer, [&](std::size_t group) { return table.groups[group].source; }));
  }
}

}  // namespace

SourceTable source_table(const std::vector<Rule>& rules, Family family) {
  Indices pairs, sources, destinations;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    if (rule.category == Category::kInterface || rule.family() != family) continue;
    (rule.category == Category::kPair     ? pairs
     : rule.category == Category::kSource ? sources
                                          : destinations)
        .push_back(i);
  }
  SourceTable table;
  table.family = family;
  add_groups(table, rules, std::move(pairs));
  link_groups(table);
  add_layers(table);
  table.source_only = flatten_rules(sources, [&](std::size_t r) { return *rules[r].source; });
  table.destination_only =
      flatten_rules(destinations, [&](std::size_t r) { return *rules[r].destination; });
  return table;
}

SourceTables source_tables(const std::vector<Rule>& rules) {
  return {source_table(rules, Family::kIpv4), source_table(rules, Family::kIpv6)};
}

const Interval* find_interval(const std::vector<Interval>& intervals, U128 address) {
  const auto after =
      std::upper_bound(intervals.begin(), intervals.end(), address,
                       [](U128 value, const Interval& interval) { return value < interval.first; });
  if (after == intervals.begin()) return nullptr;
  const Interval& candidate = *(after - 1);
  return address <= candidate.last ? &candidate : nullptr;
}

std::optional<std::size_t> find_rule(const SourceTable& table, U128 from, U128 to) {
  for (auto layer = table.layers.rbegin(); layer != table.layers.rend(); ++layer) {
    const Interval* source = find_interval(*layer, from);
    if (source == nullptr) continue;
    for (std::optional<std::size_t> at = source->winner; at; at = table.groups[*at].next) {
      const Interval* hit = find_interval(table.groups[*at].destinations, to);
      if (hit != nullptr) return hit->winner;
    }
  }
  if (const Interval* hit = find_interval(table.source_only, from)) return hit->winner;
  if (const Interval* hit = find_interval(table.destination_only, to)) return hit->winner;
  return std::nullopt;
}

}  // namespace arctic
