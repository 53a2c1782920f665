#include "runtime/tempest/timers.h"

#include <algorithm>

namespace arctic {
namespace {

Timers::Time jitter(Timers::Chance chance) {
  return std::chrono::duration_cast<Timers::Time>(chance * limits::kMostJitter);
}

bool take(Timers::Time& timer, Timers::Time now) {
  if (timer > now) return false;
  timer = Timers::kNever;
  return true;
}

}  // namespace

void Timers::set_persistent(std::chrono::seconds interval, Time now) {
  if (interval == persistent_) return;
  persistent_ = interval;
  persistent_at_ = interval.count() > 0 ? now : kNever;
}

void Timers::initiation_sent(Time now, Chance chance) {
  retry_at_ = now + limits::kRekeyTimeout + jitter(chance);
}

void Timers::handshake_done() { retry_at_ = kNever; }

void Timers::session_made(Time now) { wipe_at_ = now + 3 * limits::kRejectAfterTime; }

void Timers::data_sent(Time now, Chance chance) {
  if (renew_at_ != kNever) return;
  renew_at_ = now + limits::kKeepaliveTimeout + limits::kRekeyTimeout + jitter(chance);
}

void Timers::data_received(Time now) {
  if (keepalive_at_ == kNever) keepalive_at_ = now + limits::kKeepaliveTimeout;
}

void Timers::sent(Time now) {
  keepalive_at_ = kNever;
  if (persistent_.count() > 0) persistent_at_ = now + persistent_;
}

void Timers::received(Time now) {
  renew_at_ = kNever;
  if (persistent_.count() > 0) persistent_at_ = now + persistent_;
}

Timers::Time Timers::next() const {
  return std::min({retry_at_, keepalive_at_, renew_at_, wipe_at_, persistent_at_});
}

Timers::Due Timers::take_due(Time now) {
  Due due;
  if (take(retry_at_, now)) {
    due.give_up = now - wanted_ >= limits::kRekeyAttemptTime;
    due.retry = !due.give_up;
    if (due.give_up) {
      keepalive_at_ = kNever;
      if (wipe_at_ == kNever) wipe_at_ = now + 3 * limits::kRejectAfterTime;
    }
  }
  due.keepalive = take(keepalive_at_, now);
  due.renew = take(renew_at_, now);
  due.wipe = take(wipe_at_, now);
  if (take(persistent_at_, now)) {
    due.keepalive = true;
    persistent_at_ = now + persistent_;
  }
  return due;
}

void Timers::stop() { retry_at_ = keepalive_at_ = renew_at_ = wipe_at_ = persistent_at_ = kNever; }

}  // namespace arctic
