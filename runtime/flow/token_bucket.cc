#include "runtime/flow/token_bucket.h"

#include <algorithm>

namespace arctic {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kNanoseconds = 1'000'000'000;
constexpr std::uint64_t kLeastBurst = 64 * 1024;

std::uint64_t burst_of(std::uint64_t rate) { return std::max(rate / 100, kLeastBurst); }

}  // namespace

TokenBucket::TokenBucket(std::uint64_t bytes_per_second, Time now)
    : rate_(bytes_per_second), burst_(burst_of(bytes_per_second)), tokens_(burst_), last_(now) {}

void TokenBucket::set_rate(std::uint64_t bytes_per_second, Time now) {
  refill(now);
  rate_ = bytes_per_second;
  burst_ = burst_of(bytes_per_second);
  tokens_ = std::min(tokens_, burst_);
}

void TokenBucket::refill(Time now) {
  if (now <= last_) return;
  const auto elapsed = static_cast<std::uint64_t>((now - last_).count());
  last_ = now;
  // Whole seconds apart, so that no product can overflow however long nobody asked.
  const std::uint64_t seconds = elapsed / kNanoseconds;
  if (seconds > burst_ / rate_) {
    tokens_ = burst_;
    fraction_ = 0;
    return;
  }
  const Wide gained = static_cast<Wide>(elapsed) * rate_ + fraction_;
  fraction_ = static_cast<std::uint64_t>(gained % kNanoseconds);
  tokens_ += static_cast<std::uint64_t>(gained / kNanoseconds);
  if (tokens_ >= burst_) {
    tokens_ = burst_;
    fraction_ = 0;
  }
}

std::uint64_t TokenBucket::take(std::uint64_t wanted, Time now) {
  refill(now);
  const std::uint64_t taken = std::min(wanted, tokens_);
  tokens_ -= taken;
  return taken;
}

void TokenBucket::give_back(std::uint64_t bytes) { tokens_ = std::min(tokens_ + bytes, burst_); }

TokenBucket::Time TokenBucket::until(std::uint64_t bytes, Time now) {
  refill(now);
  bytes = std::min(bytes, burst_);
  if (bytes <= tokens_) return Time::zero();
  const Wide missing = static_cast<Wide>(bytes - tokens_) * kNanoseconds - fraction_;
  return Time(static_cast<std::int64_t>((missing + rate_ - 1) / rate_));
}

}  // namespace arctic
