#include "compiler/intervals.h"

#include <algorithm>
#include <tuple>

namespace arctic {
namespace {

/// Prefixes that contain the sweep's position, widest first; and what has been given out so far.
class Sweep {
 public:
  explicit Sweep(const std::vector<Prefix>& prefixes) : prefixes_(prefixes) {}

  void begin(std::size_t index) {
    const U128 at = prefixes_[index].first();
    end_before(at);
    if (!open_.empty() && next_ < at) emit(at - 1);
    next_ = at;
    open_.push_back(index);
  }

  std::vector<Interval> finish() {
    while (!open_.empty()) end_innermost();
    return std::move(out_);
  }

 private:
  void end_before(U128 at) {
    while (!open_.empty() && prefixes_[open_.back()].last() < at) end_innermost();
  }

  void end_innermost() {
    const U128 last = prefixes_[open_.back()].last();
    if (!exhausted_ && next_ <= last) {
      emit(last);
      // The address after the family's last one does not exist; in IPv6 it would wrap to zero.
      if (last == ~U128{0}) exhausted_ = true;
      next_ = last + 1;
    }
    open_.pop_back();
  }

  void emit(U128 last) { out_.push_back({next_, last, open_.back()}); }

  const std::vector<Prefix>& prefixes_;
  std::vector<std::size_t> open_;
  std::vector<Interval> out_;
  U128 next_ = 0;
  bool exhausted_ = false;
};

}  // namespace

std::vector<Interval> flatten(const std::vector<Prefix>& prefixes) {
  std::vector<std::size_t> order(prefixes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(prefixes[a].bits, prefixes[a].length, a) <
           std::tie(prefixes[b].bits, prefixes[b].length, b);
  });
  // An equal prefix later in the list never wins anywhere.
  order.erase(std::unique(order.begin(), order.end(),
                          [&](std::size_t a, std::size_t b) { return prefixes[a] == prefixes[b]; }),
              order.end());
  Sweep sweep(prefixes);
  for (const std::size_t index : order) sweep.begin(index);
  return sweep.finish();
}

}  // namespace arctic
