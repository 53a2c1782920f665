#include "runtime/tempest/replay.h"

#include <algorithm>
#include <utility>

#include "runtime/tempest/messages.h"

namespace arctic {

bool ReplayWindow::accept(std::uint64_t counter) {
  if (counter >= limits::kRejectAfterMessages) return false;
  if (counter + kWindow < greatest_) return false;
  const std::uint64_t word = counter / 64;
  if (counter > greatest_) {
    // What the window leaves behind is cleared for what will come.
    const std::uint64_t last = greatest_ / 64;
    const std::uint64_t steps = std::min<std::uint64_t>(word - last, seen_.size());
    for (std::uint64_t i = 1; i <= steps; ++i) seen_[(last + i) % seen_.size()] = 0;
    greatest_ = counter;
  }
  std::uint64_t& bits = seen_[word % seen_.size()];
  const std::uint64_t bit = std::uint64_t{1} << (counter % 64);
  return (std::exchange(bits, bits | bit) & bit) == 0;
}

}  // namespace arctic
