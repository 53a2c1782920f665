#include "runtime/tempest/source_limiter.h"

#include <algorithm>

namespace arctic {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

Address source_of(const Address& address) {
  if (address.family == Family::kIpv4) return address;
  return {Family::kIpv6, address.bits >> 64 << 64};
}

}  // namespace

std::size_t AddressHash::operator()(const Address& address) const {
  const U128 mixed = address.bits * 0x9e3779b97f4a7c15U;
  return static_cast<std::size_t>(mixed >> 64 ^ mixed);
}

void SourceLimiter::forget_quiet(Time now) {
  if (looked_ != Time::min() && now - looked_ < kLookEvery) return;
  looked_ = now;
  std::erase_if(next_, [&](const auto& each) { return each.second <= now; });
}

bool SourceLimiter::may(const Address& from, Time now) {
  forget_quiet(now);
  const Address source = source_of(from);
  const auto found = next_.find(source);
  if (found == next_.end() && next_.size() >= kMostSources) return false;
  Time& next = found == next_.end() ? next_[source] : found->second;
  if (next - now > kInterval * (kBurst - 1)) return false;
  next = std::max(next, now) + kInterval;
  return true;
}

}  // namespace arctic
