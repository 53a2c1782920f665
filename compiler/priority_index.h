// Of all rules whose prefix overlaps a given one: which has the lowest priority?
//
// The check for priorities that have no effect adds rules and asks, both in O(log n). It asks for a
// rule of another service, because within one service it makes no difference who wins. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/order.h"

namespace arctic {

/// The rule of lowest priority of those added, and the lowest of any other service; of equal
/// priorities the first in the plan. Two numbers and no pointer: an index of many rules is as fast
/// as it is small. `rules` are the plan's, the same in each call.
class LowestPriority {
 public:
  void add(const std::vector<Rule>& rules, std::size_t rule) {
    add_key(rules, std::uint64_t{rules[rule].priority} << 32 | rule);
  }
  void add(const std::vector<Rule>& rules, const LowestPriority& other) {
    add_key(rules, other.lowest_);
    add_key(rules, other.next_);
  }
  /// The lowest that is not of `service`.
  [[nodiscard]] std::optional<std::size_t> of_other_service(const std::vector<Rule>& rules,
                                                            std::uint32_t service) const {
    const bool same = lowest_ != kNone && rules[rule_of(lowest_)].service == service;
    const std::uint64_t key = same ? next_ : lowest_;
    return key == kNone ? std::nullopt : std::optional(rule_of(key));
  }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  static std::size_t rule_of(std::uint64_t key) { return key & 0xffffffffU; }

  void add_key(const std::vector<Rule>& rules, std::uint64_t key) {
    if (key >= next_) return;
    const bool same =
        lowest_ != kNone && rules[rule_of(key)].service == rules[rule_of(lowest_)].service;
    if (key < lowest_) {
      if (!same) next_ = lowest_;
      lowest_ = key;
    } else if (!same) {
      next_ = key;
    }
  }

  std::uint64_t lowest_ = kNone;  ///< priority, then index of the rule
  std::uint64_t next_ = kNone;    ///< of another service than lowest_
};

class PriorityIndex {
 public:
  /// `prefixes` are those at which rules will be added; any order, repeats allowed, one family.
  /// REQUIRES: `rules` outlives the index.
  PriorityIndex(const std::vector<Rule>& rules, std::vector<Prefix> prefixes);

  /// REQUIRES: `prefix` was given to the constructor.
  [[nodiscard]] std::size_t place(const Prefix& prefix) const;
  void add(std::size_t place, std::size_t rule);
  /// Forgets every rule whose adding touched what adding at `place` touches. After clearing all
  /// places that were added to, the index is empty.
  void clear(std::size_t place);
  /// Of the rules added at prefixes that contain the one at `place` or lie in it.
  [[nodiscard]] LowestPriority overlapping(std::size_t place) const;

 private:
  template <class Visit>
  void visit_above(std::size_t place, Visit visit) const;
  template <class Visit>
  void visit_span(std::size_t place, Visit visit) const;

  const std::vector<Rule>& rules_;
  std::vector<Prefix> prefixes_;        ///< by first address, then shorter first
  std::vector<std::size_t> ends_;       ///< prefixes_[i + 1 … ends_[i] - 1] lie in prefixes_[i]
  std::size_t leaves_ = 1;              ///< a power of two
  std::vector<LowestPriority> within_;  ///< per node: rules added at places below it
  std::vector<LowestPriority> around_;  ///< per node: rules whose span includes all of it
};

}  // namespace arctic
