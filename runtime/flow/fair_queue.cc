#include "runtime/flow/fair_queue.h"

#include <algorithm>

namespace arctic {
namespace {

constexpr std::uint64_t kLeastQuantum = 8 * 1024;
constexpr std::uint64_t kMostQuantum = 256 * 1024;

}  // namespace

FairQueue::FairQueue(std::uint64_t bytes_per_second, Time now) : bucket_(bytes_per_second, now) {
  set_quantum(bytes_per_second);
}

void FairQueue::set_quantum(std::uint64_t bytes_per_second) {
  quantum_ = std::clamp(bytes_per_second / 1000, kLeastQuantum, kMostQuantum);
}

void FairQueue::set_rate(std::uint64_t bytes_per_second, Time now) {
  bucket_.set_rate(bytes_per_second, now);
  set_quantum(bytes_per_second);
}

// Every request is answered with one quantum at most, and whoever wants more asks again and stands
// behind the others: equal shares, whatever is asked for, without a deficit to keep.
std::uint64_t FairQueue::ask(Flow flow, std::uint64_t wanted, Time now) {
  const std::uint64_t taken = take_now(wanted, now);
  if (taken == 0) order_.push_back({flow, std::min(wanted, quantum_)});
  return taken;
}

std::uint64_t FairQueue::take_now(std::uint64_t wanted, Time now) {
  wanted = std::min(wanted, quantum_);
  if (!order_.empty() || bucket_.until(wanted, now) > Time::zero()) return 0;
  return bucket_.take(wanted, now);
}

void FairQueue::give_back(std::uint64_t bytes) { bucket_.give_back(bytes); }

void FairQueue::leave(Flow flow) {
  std::erase_if(order_, [flow](const Waiter& waiter) { return waiter.flow == flow; });
}

std::vector<FairQueue::Grant> FairQueue::serve(Time now) {
  std::vector<Grant> grants;
  while (!order_.empty()) {
    const Waiter first = order_.front();
    const std::uint64_t due = std::min(first.wanted, quantum_);
    if (bucket_.until(due, now) > Time::zero()) break;
    grants.push_back({first.flow, bucket_.take(due, now)});
    order_.pop_front();
  }
  return grants;
}

std::vector<FairQueue::Grant> FairQueue::release() {
  std::vector<Grant> grants;
  for (const Waiter& waiter : order_) grants.push_back({waiter.flow, waiter.wanted});
  order_.clear();
  return grants;
}

std::optional<FairQueue::Time> FairQueue::until_next(Time now) {
  if (order_.empty()) return std::nullopt;
  return bucket_.until(std::min(order_.front().wanted, quantum_), now);
}

}  // namespace arctic
