#include "runtime/pegasus/pool.h"

#include <algorithm>
#include <cmath>

namespace arctic {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Openings count for about a second; a dial over a long path takes a quarter of one.
constexpr double kMemory = 1e9;
constexpr double kShareDuringADial = 0.25;
constexpr milliseconds kFirstBackoff{100};
constexpr milliseconds kLongestBackoff{2'000};

}  // namespace

double PoolPolicy::Recent::count(Time now) const {
  const double age = static_cast<double>((now - counted_at_).count());
  return count_ * std::exp(-std::max(age, 0.0) / kMemory);
}

void PoolPolicy::Recent::add(Time now) {
  count_ = count(now) + 1;
  counted_at_ = now;
}

std::size_t PoolPolicy::wanted(Time now) const {
  const auto during_a_dial =
      static_cast<std::size_t>(std::ceil(openings_.count(now) * kShareDuringADial));
  return std::clamp(during_a_dial, kFewest, kMost);
}

/// So many ready or coming are enough: what is wanted, less half of what comes back meanwhile.
std::size_t PoolPolicy::enough(Time now) const {
  const std::size_t all = wanted(now);
  const double back = std::min(returns_.count(now) * kShareDuringADial, static_cast<double>(all));
  return std::max(all - static_cast<std::size_t>(back / 2), kFewest);
}

std::size_t PoolPolicy::dials(std::size_t idle, std::size_t dialling, std::size_t waiting,
                              Time now) const {
  if (now < may_dial_at_) return 0;
  const std::size_t coming = idle + dialling;
  if (coming >= waiting + enough(now) || dialling >= most_dialling_) return 0;
  const std::size_t needed = waiting + wanted(now);
  // Whoever does not answer is asked once at a time.
  if (failing()) return dialling == 0 ? 1 : 0;
  return std::min(needed - coming, most_dialling_ - dialling);
}

void PoolPolicy::succeeded() {
  failures_ = 0;
  may_dial_at_ = Time::zero();
  most_dialling_ = std::min(most_dialling_ + 1, kMostDialling);
}

void PoolPolicy::overloaded(Time now, std::uint32_t chance) {
  most_dialling_ = std::max<std::size_t>(most_dialling_ / 2, 1);
  may_dial_at_ =
      std::max(may_dial_at_, now + kFirstBackoff / 2 + kFirstBackoff / 2 * chance / UINT32_MAX);
}

void PoolPolicy::failed(Time now, std::uint32_t chance) {
  if (failing() && now < may_dial_at_) return;  // it began together with the last that failed
  const unsigned doublings = std::min(failures_++, 10U);
  const auto full = std::min(kFirstBackoff * (1U << doublings), kLongestBackoff);
  may_dial_at_ = now + full - full / 2 * chance / UINT32_MAX;
}

}  // namespace arctic
