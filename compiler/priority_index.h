// Of all rules whose prefix overlaps a given one: which has the lowest priority?
//
// The check for priorities that have no effect adds rules and asks, both in O(log n). It asks for a
// rule of another service, because within one service it makes no difference who wins. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "compiler/order.h"

namespace arctic {

/// The rule of lowest priority of those added, and the lowest of any other service.
/// Holds pointers: the rules must outlive it.
class LowestPriority {
 public:
  void add(const Rule& rule);
  void add(const LowestPriority& other);
  /// The lowest that is not of `service`; nullptr if there is none.
  [[nodiscard]] const Rule* of_other_service(std::uint32_t service) const;

 private:
  const Rule* lowest_ = nullptr;
  const Rule* next_ = nullptr;  ///< of another service than lowest_
};

class PriorityIndex {
 public:
  /// The prefixes at which rules will be added; any order, repeats allowed, one family.
  explicit PriorityIndex(std::vector<Prefix> prefixes);

  /// REQUIRES: `prefix` was given to the constructor.
  [[nodiscard]] std::size_t place(const Prefix& prefix) const;
  void add(std::size_t place, const Rule& rule);
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

  std::vector<Prefix> prefixes_;        ///< by first address, then shorter first
  std::vector<std::size_t> ends_;       ///< prefixes_[i + 1 … ends_[i] - 1] lie in prefixes_[i]
  std::size_t leaves_ = 1;              ///< a power of two
  std::vector<LowestPriority> within_;  ///< per node: rules added at places below it
  std::vector<LowestPriority> around_;  ///< per node: rules whose span includes all of it
};

}  // namespace arctic
