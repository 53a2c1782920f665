#include "compiler/priority_index.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace arctic {
namespace {

bool place_before(const Prefix& a, const Prefix& b) {
  return std::tie(a.bits, a.length) < std::tie(b.bits, b.length);
}

}  // namespace

PriorityIndex::PriorityIndex(const std::vector<Rule>& rules, std::vector<Prefix> prefixes)
    : rules_(rules), prefixes_(std::move(prefixes)) {
  std::sort(prefixes_.begin(), prefixes_.end(), place_before);
  prefixes_.erase(std::unique(prefixes_.begin(), prefixes_.end()), prefixes_.end());
  ends_.resize(prefixes_.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i <= prefixes_.size(); ++i) {
    while (!open.empty() &&
           (i == prefixes_.size() || !prefixes_[open.back()].contains(prefixes_[i]))) {
      ends_[open.back()] = i;
      open.pop_back();
    }
    open.push_back(i);
  }
  leaves_ = std::bit_ceil(std::max<std::size_t>(1, prefixes_.size()));
  within_.resize(2 * leaves_);
  around_.resize(2 * leaves_);
}

std::size_t PriorityIndex::place(const Prefix& prefix) const {
  const auto it = std::lower_bound(prefixes_.begin(), prefixes_.end(), prefix, place_before);
  return static_cast<std::size_t>(it - prefixes_.begin());
}

template <class Visit>
void PriorityIndex::visit_above(std::size_t place, Visit visit) const {
  for (std::size_t node = leaves_ + place; node > 0; node /= 2) visit(node);
}

template <class Visit>
void PriorityIndex::visit_span(std::size_t place, Visit visit) const {
  std::size_t low = leaves_ + place;
  std::size_t high = leaves_ + ends_[place];
  for (; low < high; low /= 2, high /= 2) {
    if (low % 2 == 1) visit(low++);
    if (high % 2 == 1) visit(--high);
  }
}

void PriorityIndex::add(std::size_t place, std::size_t rule) {
  visit_above(place, [&](std::size_t node) { within_[node].add(rules_, rule); });
  visit_span(place, [&](std::size_t node) { around_[node].add(rules_, rule); });
}

void PriorityIndex::clear(std::size_t place) {
  visit_above(place, [&](std::size_t node) { within_[node] = {}; });
  visit_span(place, [&](std::size_t node) { around_[node] = {}; });
}

LowestPriority PriorityIndex::overlapping(std::size_t place) const {
  LowestPriority lowest;
  visit_span(place, [&](std::size_t node) { lowest.add(rules_, within_[node]); });
  visit_above(place, [&](std::size_t node) { lowest.add(rules_, around_[node]); });
  return lowest;
}

}  // namespace arctic
