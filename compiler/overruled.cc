#include "compiler/overruled.h"

#include <algorithm>
#include <array>
#include <utility>

#include "compiler/priority_index.h"

namespace arctic {
namespace {

std::vector<Prefix> destinations_of(const std::vector<Rule>& rules, Family family) {
  std::vector<Prefix> out;
  for (const Rule& rule : rules) {
    if (rule.destination && rule.family() == family) out.push_back(*rule.destination);
  }
  return out;
}

/// One family of one plan.
class Overruled {
 public:
  Overruled(const std::vector<Rule>& rules, const SourceTable& table,
            std::vector<std::optional<std::size_t>>& out)
      : rules_(rules),
        table_(table),
        out_(out),
        destination_index_(rules, destinations_of(rules, table.family)) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const Rule& rule = rules[i];
      if (rule.category == Category::kInterface || rule.family() != table.family) continue;
      (rule.category == Category::kPair     ? pairs_
       : rule.category == Category::kSource ? sources_
                                            : destinations_)
          .push_back(i);
    }
    place_.assign(rules.size(), 0);
    for (const auto* list : {&pairs_, &destinations_}) {
      for (const std::size_t i : *list) {
        place_[i] = destination_index_.place(*rules[i].destination);
      }
    }
  }

  void run() {
    if (!pairs_.empty()) look_in_pairs();
    if (!sources_.empty()) look_in_sources();
    if (!destinations_.empty()) look_in_destinations();
  }

 private:
  void ask(std::size_t rule, const LowestPriority& earlier) {
    const auto lowest = earlier.of_other_service(rules_, rules_[rule].service);
    if (lowest && rules_[*lowest].priority < rules_[rule].priority) out_[rule] = *lowest;
  }

  /// A pair is beaten by pairs of narrower sources, and of its own source with longer destinations.
  /// The index of destinations is only ever right for one source: that of a group when all
  /// narrower groups are in it. Going up along the path of the heaviest groups, each starts with
  /// what its heaviest one left, so that no rule is added more than O(log n) times.
  void look_in_pairs() {
    measure_groups();
    for (std::size_t top = 0; top < table_.groups.size(); ++top) {
      const auto container = table_.groups[top].container;
      if (container && heaviest_[*container] == top) continue;
      climb_to(top);
      for_rules(top, ends_[top], [&](std::size_t rule) { destination_index_.clear(place_[rule]); });
    }
  }

  void climb_to(std::size_t top) {
    std::vector<std::size_t> path{top};
    while (heaviest_[path.back()] != kNone) path.push_back(heaviest_[path.back()]);
    const auto add = [&](std::size_t rule) { destination_index_.add(place_[rule], rule); };
    for (; !path.empty(); path.pop_back()) {
      const std::size_t group = path.back();
      const std::size_t heavy = heaviest_[group];
      if (heavy != kNone) {
        for_rules(group + 1, heavy, add);
        for_rules(ends_[heavy], ends_[group], add);
      }
      for (const std::size_t rule : table_.groups[group].rules) {
        ask(rule, destination_index_.overlapping(place_[rule]));
        add(rule);
      }
    }
  }

  template <class Visit>
  void for_rules(std::size_t first_group, std::size_t end_group, Visit visit) const {
    for (std::size_t group = first_group; group < end_group; ++group) {
      for (const std::size_t rule : table_.groups[group].rules) visit(rule);
    }
  }

  /// Where each group's narrower ones end, and which of those directly below has most rules in it.
  void measure_groups() {
    const std::size_t n = table_.groups.size();
    std::vector<std::size_t> weight(n);
    ends_.assign(n, 0);
    heaviest_.assign(n, kNone);
    for (std::size_t g = n; g-- > 0;) {
      weight[g] += table_.groups[g].rules.size();
      ends_[g] = std::max(ends_[g], g + 1);
      if (!table_.groups[g].container) continue;
      const std::size_t above = *table_.groups[g].container;
      weight[above] += weight[g];
      ends_[above] = std::max(ends_[above], ends_[g]);
      if (heaviest_[above] == kNone || weight[g] > weight[heaviest_[above]]) heaviest_[above] = g;
    }
  }

  /// A source-only rule is beaten by every pair of an overlapping source and by narrower sources.
  void look_in_sources() {
    std::vector<Prefix> prefixes;
    for (const SourceGroup& group : table_.groups) prefixes.push_back(group.source);
    for (const std::size_t i : sources_) prefixes.push_back(*rules_[i].source);
    PriorityIndex index(rules_, std::move(prefixes));
    for (const SourceGroup& group : table_.groups) {
      const std::size_t place = index.place(group.source);
      for (const std::size_t i : group.rules) index.add(place, i);
    }
    for (const std::size_t i : sources_) {
      const std::size_t place = index.place(*rules_[i].source);
      ask(i, index.overlapping(place));
      index.add(place, i);
    }
  }

  /// A destination-only rule is beaten by every pair of an overlapping destination, by source-only
  /// rules wherever they are, and by longer destinations.
  void look_in_destinations() {
    for (const std::size_t i : pairs_) destination_index_.add(place_[i], i);
    std::array<LowestPriority, 129> at_least;  // source-only rules by length of prefix, or longer
    for (const std::size_t i : sources_) at_least[rules_[i].source->length].add(rules_, i);
    for (std::size_t length = 128; length-- > 0;)
      at_least[length].add(rules_, at_least[length + 1]);
    for (const std::size_t i : destinations_) {
      LowestPriority earlier = destination_index_.overlapping(place_[i]);
      earlier.add(rules_, at_least[rules_[i].destination->length]);
      ask(i, earlier);
      destination_index_.add(place_[i], i);
    }
  }

  static constexpr std::size_t kNone = ~std::size_t{0};

  const std::vector<Rule>& rules_;
  const SourceTable& table_;
  std::vector<std::optional<std::size_t>>& out_;
  PriorityIndex destination_index_;
  std::vector<std::size_t> pairs_, sources_, destinations_;
  std::vector<std::size_t> place_;     ///< per rule, of its destination in the index
  std::vector<std::size_t> ends_;      ///< per group: the groups up to here lie in it
  std::vector<std::size_t> heaviest_;  ///< per group: the one directly below with most rules
};

}  // namespace

std::vector<std::optional<std::size_t>> overruled(const RulePlan& plan,
                                                  const SourceTables& tables) {
  std::vector<std::optional<std::size_t>> out(plan.rules.size());
  // With one priority all over, which is common, no rule has a higher one than another.
  std::optional<std::uint32_t> priority;
  bool differ = false;
  for (const Rule& rule : plan.rules) {
    if (rule.category == Category::kInterface) continue;
    differ = differ || (priority && *priority != rule.priority);
    priority = rule.priority;
  }
  if (!differ) return out;
  for (const Family family : kFamilies) Overruled(plan.rules, tables.of(family), out).run();
  return out;
}

}  // namespace arctic
