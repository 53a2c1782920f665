// A set of addresses of one family as disjoint runs that can grow and shrink.
//
// What the check for unreachable routes calculates with. Neighbouring runs are one run, so that two
// halves of a network cover the whole. Pure.
#pragma once

#include <map>

#include "schema/base/address.h"

namespace arctic {

class AddressSet {
 public:
  AddressSet() = default;
  /// All addresses of the family.
  explicit AddressSet(Family family) { runs_.emplace(0, max_address(family)); }

  /// REQUIRES for all: first <= last. Amortised O(log n).
  void add(U128 first, U128 last);
  void remove(U128 first, U128 last);
  [[nodiscard]] bool intersects(U128 first, U128 last) const;
  [[nodiscard]] bool covers(U128 first, U128 last) const;
  [[nodiscard]] bool empty() const { return runs_.empty(); }

  /// Takes in the other set; costs as much as the smaller of the two.
  void unite(AddressSet other);

 private:
  std::map<U128, U128> runs_;  ///< first → last
};

}  // namespace arctic
