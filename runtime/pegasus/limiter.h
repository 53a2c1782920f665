// One service's rate limit in one direction, shared by the connections of all workers.
//
// The relay asks for a turn before it moves bytes, and waits where there are none. Fairness and
// arithmetic are flow/fair_queue's; here are the lock, the clock of whoever waits, and the way back
// to the waiting connection's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/flow/fair_queue.h"
#include "runtime/io/event_loop.h"

namespace arctic {

class Turn;

class Limiter : public std::enable_shared_from_this<Limiter> {
 public:
  using Time = EventLoop::Time;

  /// 0: no limit. Megabits of payload, 10^6 bits, a second.
  void set_rate(std::uint32_t mbps, Time now);
  [[nodiscard]] bool limited() const { return limited_.load(std::memory_order_relaxed); }
  /// How often somebody had to wait.
  [[nodiscard]] std::uint64_t waits() const { return waits_.load(std::memory_order_relaxed); }

 private:
  friend class Turn;
  /// What the turn may pass now; 0: it waits and will be resumed.
  std::uint64_t ask(Turn& turn, std::uint64_t wanted);
  /// The same without a wait.
  std::uint64_t take_now(std::uint64_t wanted, Time now);
  void give_back(std::uint64_t bytes);
  /// False if it does not wait: it has its bytes, or is about to be told so.
  bool leave(Turn& turn);
  /// For a waiting turn, in the loop that first had to wait: serves, as long as anybody waits.
  void arm(EventLoop& loop);
  void serve(EventLoop& loop);
  static void wake(const std::vector<FairQueue::Grant>& grants, const EventLoop* here);

  std::atomic<bool> limited_{false};
  std::atomic<std::uint64_t> waits_{0};
  std::mutex mutex_;
  std::optional<FairQueue> queue_;  ///< absent: no limit
  bool armed_ = false;
};

/// One connection's place at a limiter. Used by one coroutine, in one thread.
class Turn {
 public:
  Turn(Limiter& limiter, EventLoop& loop) : limiter_(limiter), loop_(loop) {}
  ~Turn() { cancel(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  class Wait {
   public:
    Wait(Turn& turn, std::uint64_t wanted) : turn_(turn), wanted_(wanted) {}
    bool await_ready();
    bool await_suspend(std::coroutine_handle<> waiting);
    std::uint64_t await_resume();

   private:
    Turn& turn_;
    std::uint64_t wanted_;
  };
  /// Bytes that may pass now: at least one, at most `wanted`, after as long a wait as it takes.
  /// 0 only after cancel(). REQUIRES: `wanted` > 0.
  [[nodiscard]] Wait take(std::uint64_t wanted) { return {*this, wanted}; }
  /// Without a wait: 0 if there is nothing to be had at once.
  [[nodiscard]] std::uint64_t take_now(std::uint64_t wanted);
  /// Of what was taken, what was not used.
  void give_back(std::uint64_t bytes) {
    if (bytes > 0 && limited()) limiter_.give_back(bytes);
  }
  [[nodiscard]] bool limited() const { return limiter_.limited(); }
  /// Who waits is resumed, now and from now on.
  void cancel();

 private:
  friend class Limiter;
  Limiter& limiter_;
  EventLoop& loop_;
  std::coroutine_handle<> waiting_;
  std::uint64_t granted_ = 0;
  bool queued_ = false;  ///< the limiter will name us; guarded by its lock
  bool cancelled_ = false;
};

}  // namespace arctic
