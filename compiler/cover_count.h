// Is everything covered, while intervals come and go?
//
// Counts how often each address is covered and knows at any time whether one is not covered at all.
// The check for unreachable routes walks down and up the tree of sources with it. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "schema/base/address.h"

namespace arctic {

class CoverCount {
 public:
  /// `edges`: of each interval that will be added its first address and its last address and 1
  /// (what lies beyond the family does no harm); in any order, repeats allowed.
  CoverCount(std::vector<U128> edges, Family family);

  /// REQUIRES: edges of the interval were given. O(log n).
  void add(U128 first, U128 last) { change(first, last, true); }
  /// REQUIRES: the interval was added as often as it is removed.
  void remove(U128 first, U128 last) { change(first, last, false); }
  [[nodiscard]] bool full() const { return full_[1] != 0; }

 private:
  void change(U128 first, U128 last, bool more);
  void touch(std::size_t node, bool more);
  void refresh(std::size_t node);
  [[nodiscard]] std::size_t leaf(U128 edge) const;

  std::vector<U128> edges_;           ///< each begins a stretch that is covered as one
  U128 max_;                          ///< the family's last address
  std::size_t leaves_ = 1;            ///< a power of two
  std::vector<std::uint32_t> count_;  ///< intervals that cover all of a node, and no more than it
  std::vector<std::uint8_t> full_;    ///< nothing below the node is uncovered
};

}  // namespace arctic
