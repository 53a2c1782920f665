// Where coroutines of one loop wait for something that another coroutine or a timer brings about.
//
// Owned by what they wait for. Opening resumes who waits now, once, and leaves the gate closed for
// who comes later. One thread; nobody may wait when it goes.
#pragma once

#include <list>

#include "runtime/io/event_loop.h"

namespace arctic {

class Gate {
 public:
  using Time = EventLoop::Time;

  explicit Gate(EventLoop& loop) : loop_(loop) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  class Wait {
   public:
    Wait(Gate& gate, Time deadline) : gate_(gate), deadline_(deadline) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting);
    bool await_resume() const { return opened_; }

   private:
    friend class Gate;
    Gate& gate_;
    Time deadline_;
    bool opened_ = false;
    bool timed_ = false;
    EventLoop::Timers::iterator timer_;
    std::coroutine_handle<> waiting_;
    std::list<Wait*>::iterator place_;
  };
  /// True if the gate opened, false if the deadline came first.
  [[nodiscard]] Wait wait(Time deadline = Watched::kForever) { return {*this, deadline}; }

  void open_one();  ///< for who waits longest
  void open_all();
  [[nodiscard]] std::size_t waiting() const { return waits_.size(); }

 private:
  void let_through(Wait& wait, bool opened);

  EventLoop& loop_;
  std::list<Wait*> waits_;
};

}  // namespace arctic
