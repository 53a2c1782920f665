#include "runtime/pegasus/limiter.h"

namespace arctic {
namespace {

constexpr std::uint64_t kBytesPerMegabit = 125'000;

// The queue knows connections by number; ours is the address of their turn.
FairQueue::Flow flow_of(const Turn& turn) { return reinterpret_cast<FairQueue::Flow>(&turn); }

}  // namespace

void Limiter::set_rate(std::uint32_t mbps, Time now) {
  const std::lock_guard lock(mutex_);
  limited_.store(mbps != 0, std::memory_order_relaxed);
  if (mbps == 0) {
    if (queue_) wake(queue_->release(), nullptr);
    queue_.reset();
  } else if (queue_) {
    queue_->set_rate(mbps * kBytesPerMegabit, now);
  } else {
    queue_.emplace(mbps * kBytesPerMegabit, now);
  }
}

std::uint64_t Limiter::ask(Turn& turn, std::uint64_t wanted) {
  const std::lock_guard lock(mutex_);
  if (!queue_) return wanted;
  const std::uint64_t granted = queue_->ask(flow_of(turn), wanted, turn.loop_.now());
  if (granted > 0) return granted;
  turn.queued_ = true;
  waits_.fetch_add(1, std::memory_order_relaxed);
  if (!armed_) arm(turn.loop_);
  return 0;
}

std::uint64_t Limiter::take_now(std::uint64_t wanted, Time now) {
  const std::lock_guard lock(mutex_);
  return queue_ ? queue_->take_now(wanted, now) : wanted;
}

void Limiter::give_back(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (queue_) queue_->give_back(bytes);
}

bool Limiter::leave(Turn& turn) {
  const std::lock_guard lock(mutex_);
  if (!turn.queued_) return false;
  turn.queued_ = false;
  if (queue_) queue_->leave(flow_of(turn));
  return true;
}

void Limiter::arm(EventLoop& loop) {
  const auto wait = queue_->until_next(loop.now());
  armed_ = wait.has_value();
  if (!wait) return;
  // Whoever waits may be gone, and the service with it, before the time has come.
  loop.at(loop.now() + *wait, [self = shared_from_this(), &loop] { self->serve(loop); });
}

void Limiter::serve(EventLoop& loop) {
  const std::lock_guard lock(mutex_);
  armed_ = false;
  if (!queue_) return;
  wake(queue_->serve(loop.now()), &loop);
  arm(loop);
}

void Limiter::wake(const std::vector<FairQueue::Grant>& grants, const EventLoop* here) {
  for (const auto& grant : grants) {
    Turn& turn = *reinterpret_cast<Turn*>(grant.flow);
    turn.granted_ = grant.bytes;
    turn.queued_ = false;
    if (&turn.loop_ == here) {
      turn.loop_.resume_soon(turn.waiting_);
    } else {
      turn.loop_.post([waiting = turn.waiting_] { waiting.resume(); });
    }
  }
}

// ---- Turn ----

bool Turn::Wait::await_ready() {
  if (turn_.cancelled_) return true;
  if (turn_.limiter_.limited()) return false;
  turn_.granted_ = wanted_;
  return true;
}

bool Turn::Wait::await_suspend(std::coroutine_handle<> waiting) {
  turn_.waiting_ = waiting;
  const std::uint64_t granted = turn_.limiter_.ask(turn_, wanted_);
  if (granted == 0) return true;
  turn_.granted_ = granted;
  return false;
}

std::uint64_t Turn::Wait::await_resume() {
  turn_.waiting_ = nullptr;
  const std::uint64_t granted = std::exchange(turn_.granted_, 0);
  if (!turn_.cancelled_) return granted;
  if (granted > 0) turn_.give_back(granted);
  return 0;
}

std::uint64_t Turn::take_now(std::uint64_t wanted) {
  return limited() ? limiter_.take_now(wanted, loop_.now()) : wanted;
}

void Turn::cancel() {
  if (std::exchange(cancelled_, true)) return;
  if (!waiting_ || !limiter_.leave(*this)) return;
  loop_.resume_soon(waiting_);
}

}  // namespace arctic
