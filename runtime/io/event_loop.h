// One thread's event loop: edge-triggered epoll, timers, and calls from other threads.
//
// A worker of a runtime owns one. Descriptors are registered once, for both directions, when they
// are made, and never again: a system call saved on every wait. Not thread-safe, but for post() and
// stop(). Linux: epoll(7), eventfd(2).
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "schema/base/result.h"

namespace arctic {

class EventLoop;

enum class Wake : std::uint8_t { kReady, kClosed, kTimeout };

class Watched;

/// Who is to know at once what happens to a socket, also while nothing waits for it.
class SocketWatcher {
 public:
  /// An error such as a reset has come. The socket stays.
  virtual void failed(Watched& socket) = 0;
  /// There may be something to read, or the end. May close the socket.
  virtual void heard(Watched& socket) = 0;

 protected:
  ~SocketWatcher() = default;
};

/// A non-blocking descriptor in a loop. Closes it when it goes. Each side has one waiter at most.
class Watched {
 public:
  using Time = std::chrono::nanoseconds;  ///< CLOCK_BOOTTIME, as EventLoop::now()
  static constexpr Time kForever = Time::max();

  enum class Mode : std::uint8_t { kUnknown, kNonBlocking };
  /// Takes `fd` over, makes it non-blocking unless it is said to be, and registers it.
  [[nodiscard]] static Result<std::unique_ptr<Watched>> make(EventLoop& loop, int fd,
                                                             Mode mode = Mode::kUnknown);
  ~Watched();
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] EventLoop& loop() const { return loop_; }

  class Wait {
   public:
    bool await_ready();
    void await_suspend(std::coroutine_handle<> waiting);
    Wake await_resume();

   private:
    friend class Watched;
    Wait(Watched& watched, bool write, Time deadline)
        : watched_(watched), deadline_(deadline), write_(write) {}
    Watched& watched_;
    Time deadline_;
    bool write_;
    Wake result_ = Wake::kReady;
  };
  /// After a read that gave EAGAIN: until there may be something to read. kClosed after cancel().
  [[nodiscard]] Wait readable(Time deadline = kForever) { return {*this, false, deadline}; }
  [[nodiscard]] Wait writable(Time deadline = kForever) { return {*this, true, deadline}; }
  /// A read or write gave EAGAIN, or less than was asked for: wait for the next edge.
  void drained() { ready_[0] = false; }
  /// There may be something to read: nobody has found nothing since the last event.
  [[nodiscard]] bool has_news() const { return ready_[0]; }
  void full() { ready_[1] = false; }
  /// The other end has said its last: a short read does not mean that the rest is not there yet.
  [[nodiscard]] bool hung_up() const { return hung_up_; }

  /// Null for nobody. Told in the loop's thread.
  void set_watcher(SocketWatcher* watcher) { watcher_ = watcher; }

  /// Wakes who waits to read, now or the next time, as if there were something: it is to look about.
  void nudge();
  /// Wakes both waiters with kClosed, now and from now on. The descriptor stays open.
  void cancel();
  /// After cancel(): it may be waited for again.
  void renew() { cancelled_ = false; }

 private:
  friend class EventLoop;
  Watched(EventLoop& loop, int fd);
  void wake(int side, Wake how);

  struct Side {
    std::coroutine_handle<> waiting;
    Wait* wait = nullptr;
    std::multimap<Time, std::function<void()>>::iterator timer;
    bool timed = false;
  };

  EventLoop& loop_;
  Watched* before_ = nullptr;  ///< in the loop's list of all
  Watched* after_ = nullptr;
  int fd_;
  SocketWatcher* watcher_ = nullptr;
  bool ready_[2] = {true, true};
  bool hung_up_ = false;
  bool nudged_ = false;
  bool cancelled_ = false;
  Side sides_[2];
};

class EventLoop {
 public:
  using Time = Watched::Time;
  using Timers = std::multimap<Time, std::function<void()>>;

  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> make();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Until stop().
  void run();
  /// From any thread.
  void stop();
  /// After run(), in its thread: cancels every descriptor and lets every timer run out, until the
  /// coroutines of this loop have come to their ends. False if some will not, as one that waits for
  /// another thread.
  bool wind_up();
  /// From any thread: calls it in this loop's thread, in order.
  void post(std::function<void()> call);

  /// CLOCK_BOOTTIME at the beginning of this turn.
  [[nodiscard]] Time now() const { return now_; }
  Timers::iterator at(Time when, std::function<void()> call);
  void forget(Timers::iterator timer) { timers_.erase(timer); }
  /// Resumes it before the loop sleeps again.
  void resume_soon(std::coroutine_handle<> handle) { ready_.push_back(handle); }

  class Sleep {
   public:
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting);
    void await_resume() const {}

   private:
    friend class EventLoop;
    Sleep(EventLoop& loop, Time until) : loop_(loop), until_(until) {}
    EventLoop& loop_;
    Time until_;
  };
  [[nodiscard]] Sleep sleep_until(Time when) { return {*this, when}; }

  class Yield {
   public:
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) { loop_.later_.push_back(waiting); }
    void await_resume() const {}

   private:
    friend class EventLoop;
    explicit Yield(EventLoop& loop) : loop_(loop) {}
    EventLoop& loop_;
  };
  /// Goes on in the next turn, after everything else that is ready by then.
  [[nodiscard]] Yield yield() { return Yield(*this); }

 private:
  friend class Watched;
  EventLoop() = default;
  void turn();
  void run_ready();
  void run_timers();
  void run_posted();
  [[nodiscard]] int timeout_ms() const;

  /// A loop that hears of several things a turn need not interrupt who runs on its CPU: the more
  /// comes together, the less each costs. So its thread is SCHED_BATCH (sched(7)) for as long as
  /// that lasts. One that hears of one thing at a time is SCHED_OTHER: somebody may wait for it.
  class CpuPolicy {
   public:
    /// In the loop's thread. A thread that is neither is left as it is.
    void begin(Time now);
    void turn(int events, Time now);
    void end() { become(false); }

   private:
    void become(bool batch);

    unsigned turns_ = 0;
    unsigned events_ = 0;
    Time since_{};
    bool batch_ = false;
    bool ours_ = false;
  };

  Watched* watched_ = nullptr;  ///< all, linked
  CpuPolicy cpu_policy_;
  int epoll_ = -1;
  int event_ = -1;
  bool stopping_ = false;
  bool winding_up_ = false;
  Time now_{};
  Timers timers_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> later_;  ///< in the next turn
  std::vector<void*> gone_;  ///< Watched that went during this turn: their events are stale
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace arctic
