#include "compiler/address_set.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace arctic {

void AddressSet::add(U128 first, U128 last) {
  auto it = runs_.upper_bound(first);
  if (it != runs_.begin()) {
    const auto before = std::prev(it);
    if (before->second >= first || before->second + 1 == first) {
      first = before->first;
      it = before;
    }
  }
  while (it != runs_.end() && (it->first <= last || it->first == last + 1)) {
    last = std::max(last, it->second);
    it = runs_.erase(it);
  }
  runs_.emplace_hint(it, first, last);
}

void AddressSet::remove(U128 first, U128 last) {
  auto it = runs_.upper_bound(first);
  if (it != runs_.begin() && std::prev(it)->second >= first) --it;
  while (it != runs_.end() && it->first <= last) {
    const auto [run_first, run_last] = *it;
    it = runs_.erase(it);
    if (run_first < first) runs_.emplace_hint(it, run_first, first - 1);
    if (run_last > last) it = runs_.emplace_hint(it, last + 1, run_last);
  }
}

bool AddressSet::intersects(U128 first, U128 last) const {
  const auto after = runs_.upper_bound(last);
  return after != runs_.begin() && std::prev(after)->second >= first;
}

bool AddressSet::covers(U128 first, U128 last) const {
  const auto after = runs_.upper_bound(first);
  return after != runs_.begin() && std::prev(after)->second >= last;
}

void AddressSet::unite(AddressSet other) {
  if (other.runs_.size() > runs_.size()) std::swap(runs_, other.runs_);
  for (const auto& [first, last] : other.runs_) add(first, last);
}

}  // namespace arctic
