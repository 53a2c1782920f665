// Flattening: an ordered set of overlapping prefixes becomes disjoint intervals.
//
// nftables interval maps may not overlap, so nested prefixes are cut where a more specific one
// begins and ends. n prefixes give at most 2n-1 intervals; O(n log n). Pure, no knowledge of rules.
#pragma once

#include <cstddef>
#include <vector>

#include "schema/base/address.h"

namespace arctic {

/// Addresses first..last, both included, belong to entry `winner`.
struct Interval {
  U128 first = 0;
  U128 last = 0;
  std::size_t winner = 0;  ///< index into the prefixes given to flatten

  friend bool operator==(const Interval&, const Interval&) = default;
};

/// The longest prefix wins where prefixes nest; of equal prefixes the one that comes first in the
/// list. Adjacent intervals of one winner are one interval. Sorted by address; disjoint.
/// REQUIRES: all prefixes are of one family.
[[nodiscard]] std::vector<Interval> flatten(const std::vector<Prefix>& prefixes);

}  // namespace arctic
