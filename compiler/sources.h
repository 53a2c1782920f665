// The rule plan of one family as the maps that decide a packet: the structure of the nftables
// table where routes are many.
//
// Made once from the ordered rules; lower() turns it into maps and chains (few routes stay a list
// of rules), Tracer evaluates it in memory, shadow reasons about it. Because all three read the
// same table they cannot disagree about nesting, flattening or the limit on chains. Pure.
//
// A packet is decided so: for each layer, the last (deepest) one first, find its source among the
// layer's intervals, look for its destination in that group, and go on with `next` while there is
// one; then source_only by source; then destination_only by destination; the first hit wins.
//
// The kernel follows at most 15 chains in a row, so a run of `next` holds at most kMaxRun groups.
// Sources nested deeper than that start another layer, with a run of its own: layer k holds depths
// k * kMaxRun + 1 to (k + 1) * kMaxRun. No group carries another's destinations, so the size stays
// linear in the number of rules; all but odd configurations have one layer.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "compiler/intervals.h"
#include "compiler/order.h"
#include "schema/base/address.h"

namespace arctic {

inline constexpr int kMaxRun = 12;  ///< groups in a run of `next`

/// One distinct source of category 2.
struct SourceGroup {
  Prefix source;
  std::vector<std::size_t> rules;        ///< its rules, best first
  std::vector<Interval> destinations;    ///< these rules flattened; winner: index of the rule
  std::optional<std::size_t> container;  ///< the next shorter group whose source contains this one
  std::optional<std::size_t> next;       ///< container, if it is in the same layer: where to go on
  int depth = 1;                         ///< 1 without a container, else the container's and 1

  [[nodiscard]] std::size_t layer() const {
    return static_cast<std::size_t>(depth - 1) / static_cast<std::size_t>(kMaxRun);
  }
};

struct SourceTable {
  Family family = Family::kIpv4;
  /// By first address, then shorter first: a container comes before all that it contains, and these
  /// directly follow it.
  std::vector<SourceGroup> groups;
  /// Per layer the flattened sources of its groups; winner: index into groups. Empty if no groups.
  std::vector<std::vector<Interval>> layers;
  std::vector<Interval> source_only;       ///< category 3 by source; winner: index of the rule
  std::vector<Interval> destination_only;  ///< category 4 by destination; winner: index of the rule
};

/// The table of the rules of `family`; rules of category 1 and of the other family are passed over,
/// and winners are indices into `rules`.
/// REQUIRES: of two rules with one match, the one that wins comes first (as in RulePlan::rules).
[[nodiscard]] SourceTable source_table(const std::vector<Rule>& rules, Family family);

/// The tables of both families.
struct SourceTables {
  SourceTable ipv4;
  SourceTable ipv6;

  [[nodiscard]] const SourceTable& of(Family family) const {
    return family == Family::kIpv4 ? ipv4 : ipv6;
  }
};

/// REQUIRES: as source_table.
[[nodiscard]] SourceTables source_tables(const std::vector<Rule>& rules);

/// The interval that holds `address`, or nullptr. REQUIRES: sorted and disjoint.
[[nodiscard]] const Interval* find_interval(const std::vector<Interval>& intervals, U128 address);

/// What decides a packet by its addresses: index of a rule, or nullopt.
/// REQUIRES: both addresses are of the table's family.
[[nodiscard]] std::optional<std::size_t> find_rule(const SourceTable& table, U128 from, U128 to);

}  // namespace arctic
