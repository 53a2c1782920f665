#include "runtime/io/gate.h"

namespace arctic {

void Gate::Wait::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  place_ = gate_.waits_.insert(gate_.waits_.end(), this);
  if (deadline_ == Watched::kForever) return;
  timed_ = true;
  timer_ = gate_.loop_.at(deadline_, [this] {
    timed_ = false;  // the loop has taken the timer out
    gate_.let_through(*this, false);
  });
}

void Gate::let_through(Wait& wait, bool opened) {
  if (wait.timed_) loop_.forget(wait.timer_);
  waits_.erase(wait.place_);
  wait.opened_ = opened;
  loop_.resume_soon(wait.waiting_);
}

void Gate::open_one() {
  if (!waits_.empty()) let_through(*waits_.front(), true);
}

void Gate::open_all() {
  while (!waits_.empty()) let_through(*waits_.front(), true);
}

}  // namespace arctic
