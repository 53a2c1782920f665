#include "compiler/shadow.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "compiler/address_set.h"
#include "compiler/cover_count.h"

namespace arctic {
namespace {

/// Which rules of one family some packet reaches. Works on the flattened table, so a rule that
/// loses to its own source's (or, without source, its own category's) rules has no interval to
/// begin with.
class Reach {
 public:
  Reach(const SourceTable& table, std::vector<bool>& reached) : table_(table), reached_(reached) {
    std::vector<Prefix> sources;
    sources.reserve(table.groups.size());
    for (const SourceGroup& group : table.groups) sources.push_back(group.source);
    regions_ = flatten(sources);
  }

  void run() {
    if (!table_.groups.empty()) mark_pairs();
    if (!table_.source_only.empty()) mark_sources();
    if (!table_.destination_only.empty()) mark_destinations();
  }

 private:
  using Flags = std::vector<bool>;

  /// A source's own region is what no narrower source has. Where there is one, its rules are
  /// decided by the source alone. Where narrower ones share it all, a destination is only reached
  /// if somewhere inside nobody has it.
  void mark_pairs() {
    Flags open(table_.groups.size());
    for (const Interval& region : regions_) open[region.winner] = true;
    (void)uncovered(open, true, [&](std::size_t group, const AddressSet* left) {
      for (const Interval& own : table_.groups[group].destinations) {
        if (left == nullptr || left->intersects(own.first, own.last)) reached_[own.winner] = true;
      }
    });
  }

  /// A source-only rule is reached unless, wherever it is the longest, the pairs have every
  /// destination.
  void mark_sources() {
    AddressSet full;
    const Flags chain_full = groups_with_every_destination();
    for (const Interval& region : regions_) {
      if (chain_full[region.winner]) full.add(region.first, region.last);
    }
    for (const Interval& own : table_.source_only) {
      if (!full.covers(own.first, own.last)) reached_[own.winner] = true;
    }
  }

  /// A destination-only rule is reached if some source without source-only rule leaves it
  /// something.
  void mark_destinations() {
    AddressSet free(table_.family);
    for (const Interval& own : table_.source_only) free.remove(own.first, own.last);
    Flags open(table_.groups.size());
    for (const Interval& region : regions_) {
      if (free.intersects(region.first, region.last)) open[region.winner] = true;
    }
    AddressSet outside = std::move(free);
    for (const Interval& region : regions_) outside.remove(region.first, region.last);
    const AddressSet left =
        uncovered(open, !outside.empty(), [](std::size_t, const AddressSet*) {});
    for (const Interval& own : table_.destination_only) {
      if (left.intersects(own.first, own.last)) reached_[own.winner] = true;
    }
  }

  /// Destinations that, for some source address in an open region, no group has that contains the
  /// address. `visit` gets each group, narrower ones before wider ones, with the same set for the
  /// group's sources and counting only groups narrower than it; nullptr means all destinations.
  /// Sets are only made where a wider group or the caller has to know.
  template <class Visit>
  AddressSet uncovered(const Flags& open, bool outside_open, Visit visit) const {
    std::vector<AddressSet> under(table_.groups.size());
    AddressSet outside = outside_open ? AddressSet(table_.family) : AddressSet();
    for (std::size_t g = table_.groups.size(); g-- > 0;) {
      const SourceGroup& group = table_.groups[g];
      visit(g, open[g] ? nullptr : &under[g]);
      const bool needed = group.container ? !open[*group.container] : !outside_open;
      if (!needed) continue;
      AddressSet left = open[g] ? AddressSet(table_.family) : std::move(under[g]);
      for (const Interval& own : group.destinations) left.remove(own.first, own.last);
      (group.container ? under[*group.container] : outside).unite(std::move(left));
      under[g] = AddressSet();
    }
    return outside;
  }

  /// Groups that, together with the wider ones around them, have every destination.
  Flags groups_with_every_destination() const {
    std::vector<U128> edges;
    for (const SourceGroup& group : table_.groups) {
      for (const Interval& own : group.destinations) {
        edges.push_back(own.first);
        edges.push_back(own.last + 1);
      }
    }
    CoverCount cover(std::move(edges), table_.family);
    Flags out(table_.groups.size());
    std::vector<std::size_t> around;
    for (std::size_t g = 0; g < table_.groups.size(); ++g) {
      while (!around.empty() && table_.groups[g].container != around.back()) {
        for (const Interval& own : table_.groups[around.back()].destinations) {
          cover.remove(own.first, own.last);
        }
        around.pop_back();
      }
      for (const Interval& own : table_.groups[g].destinations) cover.add(own.first, own.last);
      around.push_back(g);
      out[g] = cover.full();
    }
    return out;
  }

  const SourceTable& table_;
  std::vector<bool>& reached_;
  std::vector<Interval> regions_;  ///< winner: the longest group there
};

/// For each rule the first one with its match, which may be itself.
std::vector<std::size_t> first_of_match(const std::vector<Rule>& rules) {
  std::vector<std::size_t> order(rules.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto match = [&](std::size_t i) { return std::tie(rules[i].source, rules[i].destination); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto matches = match(a) <=> match(b);
    return matches != 0 ? matches < 0 : a < b;
  });
  std::vector<std::size_t> first(rules.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool same = i > 0 && match(order[i]) == match(order[i - 1]);
    first[order[i]] = same ? first[order[i - 1]] : order[i];
  }
  return first;
}

/// What wins at one end of an unreached rule's packets: at the low end, or at the high one if that
/// winner alone has all of them.
std::size_t blocker(const std::vector<Rule>& rules, const SourceTable& table, const Rule& rule) {
  const Prefix from = rule.source.value_or(any_prefix(table.family));
  const Prefix to = rule.destination.value_or(any_prefix(table.family));
  const std::size_t low = *find_rule(table, from.first(), to.first());
  const std::size_t high = *find_rule(table, from.last(), to.last());
  return !covers(rules[low], rule) && covers(rules[high], rule) ? high : low;
}

}  // namespace

bool covers(const Rule& wide, const Rule& narrow) {
  const auto holds = [](const std::optional<Prefix>& a, const std::optional<Prefix>& b) {
    return !a || (b ? a->contains(*b) : a->length == 0);
  };
  return holds(wide.source, narrow.source) && holds(wide.destination, narrow.destination);
}

std::vector<std::optional<std::size_t>> shadowed(const RulePlan& plan) {
  return shadowed(plan, source_tables(plan.rules));
}

std::vector<std::optional<std::size_t>> shadowed(const RulePlan& plan, const SourceTables& tables) {
  const std::vector<Rule>& rules = plan.rules;
  std::vector<bool> reached(rules.size());
  for (const Family family : kFamilies) Reach(tables.of(family), reached).run();
  std::vector<std::optional<std::size_t>> out(rules.size());
  std::vector<std::size_t> first;  // costs a sort, and most plans have no such rule
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (reached[i] || rules[i].category == Category::kInterface) continue;
    if (first.empty()) first = first_of_match(rules);
    out[i] = first[i] != i ? first[i] : blocker(rules, tables.of(rules[i].family()), rules[i]);
  }
  return out;
}

}  // namespace arctic
