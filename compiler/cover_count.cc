#include "compiler/cover_count.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace arctic {

CoverCount::CoverCount(std::vector<U128> edges, Family family)
    : edges_(std::move(edges)), max_(max_address(family)) {
  edges_.push_back(0);
  std::sort(edges_.begin(), edges_.end());
  edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
  if (edges_.back() > max_) edges_.pop_back();
  leaves_ = std::bit_ceil(edges_.size());
  count_.assign(2 * leaves_, 0);
  full_.assign(2 * leaves_, 0);
  // Leaves that stand for nothing must not look uncovered.
  for (std::size_t node = leaves_ + edges_.size(); node < 2 * leaves_; ++node) touch(node, true);
  for (std::size_t node = leaves_; node-- > 1;) refresh(node);
}

std::size_t CoverCount::leaf(U128 edge) const {
  const auto it = std::lower_bound(edges_.begin(), edges_.end(), edge);
  return static_cast<std::size_t>(it - edges_.begin());
}

void CoverCount::refresh(std::size_t node) {
  full_[node] = count_[node] > 0 || (full_[2 * node] != 0 && full_[2 * node + 1] != 0) ? 1 : 0;
}

void CoverCount::touch(std::size_t node, bool more) {
  count_[node] += more ? 1U : ~0U;
  if (node >= leaves_) {
    full_[node] = count_[node] > 0 ? 1 : 0;
  } else {
    refresh(node);
  }
}

void CoverCount::change(U128 first, U128 last, bool more) {
  const std::size_t low = leaves_ + leaf(first);
  const std::size_t high = leaves_ + (last == max_ ? edges_.size() : leaf(last + 1));
  for (std::size_t a = low, b = high; a < b; a /= 2, b /= 2) {
    if (a % 2 == 1) touch(a++, more);
    if (b % 2 == 1) touch(--b, more);
  }
  for (std::size_t node = low / 2; node > 0; node /= 2) refresh(node);
  for (std::size_t node = (high - 1) / 2; node > 0; node /= 2) refresh(node);
}

}  // namespace arctic
