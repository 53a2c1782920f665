// The loop by itself: order, waits and their ends, failures, and the way out.
#include "runtime/io/event_loop.h"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io/gate.h"
#include "runtime/io/task.h"

namespace arctic::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<EventLoop> make_loop() { return std::move(*EventLoop::make()); }

/// Two ends of a stream; the first is watched, the second the test's.
struct Pair {
  explicit Pair(EventLoop& loop) {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    ours = std::move(*Watched::make(loop, fds[0]));
    theirs = fds[1];
    ours->drained();
    ours->full();
  }
  ~Pair() { hang_up(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  void say(char what) const { REQUIRE(::write(theirs, &what, 1) == 1); }
  void hang_up() {
    if (theirs >= 0) ::close(theirs);
    theirs = -1;
  }
  std::unique_ptr<Watched> ours;
  int theirs = -1;
};

Task<void> note_wake(Watched& socket, Watched::Time deadline, std::vector<Wake>& seen) {
  const Wake wake = co_await socket.readable(deadline);
  seen.push_back(wake);
}

Task<void> stop_at(EventLoop& loop, EventLoop::Time when) {
  co_await loop.sleep_until(when);
  loop.stop();
}

void run_for(EventLoop& loop, milliseconds time) {
  start(stop_at(loop, loop.now() + time));
  loop.run();
}

Task<void> in_steps(EventLoop& loop, std::string& order, char first, char second) {
  order += first;
  co_await loop.yield();
  order += second;
}

class Told : public SocketWatcher {
 public:
  void failed(Watched& socket) override { last = &socket; }
  void heard(Watched& socket) override {
    ++times;
    if (on_heard) on_heard(socket);
  }
  Watched* last = nullptr;
  int times = 0;
  std::function<void(Watched&)> on_heard;
};

}  // namespace

TEST_CASE("calls from many threads come each once, those of one thread in order") {
  constexpr int kThreads = 4, kCalls = 2000;
  auto loop = make_loop();
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::thread> threads;
  int left = kThreads * kCalls;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCalls; ++i) {
        loop->post([&, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (--left == 0) loop->stop();
        });
      }
    });
  }
  loop->run();
  for (auto& thread : threads) thread.join();
  for (const auto& each : seen) {
    REQUIRE(each.size() == kCalls);
    CHECK(std::is_sorted(each.begin(), each.end()));
  }
}

TEST_CASE("who makes way goes on after everybody who is ready") {
  auto loop = make_loop();
  std::string order;
  loop->post([&] {
    start(in_steps(*loop, order, 'a', 'd'));
    start(in_steps(*loop, order, 'b', 'e'));
    order += 'c';
  });
  run_for(*loop, milliseconds(1));
  CHECK(order == "abcde");
}

TEST_CASE("timers run in order, and not after they were forgotten") {
  auto loop = make_loop();
  std::string order;
  loop->at(loop->now() + milliseconds(3), [&] { order += 'c'; });
  loop->at(loop->now() + milliseconds(1), [&] { order += 'a'; });
  const auto gone = loop->at(loop->now() + milliseconds(2), [&] { order += 'x'; });
  loop->at(loop->now() + milliseconds(2), [&] { order += 'b'; });
  loop->forget(gone);
  run_for(*loop, milliseconds(5));
  CHECK(order == "abc");
}

TEST_CASE("a nudge that finds nobody ends the next wait, and no other") {
  auto loop = make_loop();
  Pair pair(*loop);
  std::vector<Wake> seen;
  pair.ours->drained();
  pair.ours->nudge();
  start(note_wake(*pair.ours, Watched::kForever, seen));
  start(note_wake(*pair.ours, loop->now() + milliseconds(1), seen));
  run_for(*loop, milliseconds(3));
  CHECK(seen == std::vector<Wake>{Wake::kReady, Wake::kTimeout});
}

TEST_CASE("a wait ends with bytes, with the deadline, with a nudge, or with cancel") {
  auto loop = make_loop();
  Pair pair(*loop);
  std::vector<Wake> seen;
  const auto wait = [&](EventLoop::Time deadline) {
    pair.ours->drained();
    start(note_wake(*pair.ours, deadline, seen));
  };
  wait(Watched::kForever);
  pair.say('a');
  run_for(*loop, milliseconds(2));
  wait(loop->now() + milliseconds(1));
  run_for(*loop, milliseconds(3));
  wait(loop->now() + seconds(100));
  pair.ours->nudge();
  run_for(*loop, milliseconds(1));
  wait(loop->now() + seconds(100));
  pair.ours->cancel();
  wait(Watched::kForever);
  run_for(*loop, milliseconds(1));
  pair.ours->renew();
  wait(loop->now() + milliseconds(1));
  run_for(*loop, milliseconds(3));
  CHECK(seen == std::vector<Wake>{Wake::kReady, Wake::kTimeout, Wake::kReady, Wake::kClosed,
                                  Wake::kClosed, Wake::kTimeout});
}

TEST_CASE("a failure is told at once, to nobody who does not want it any more") {
  for (const bool wanted : {true, false}) {
    auto loop = make_loop();
    Pair pair(*loop);
    Told told;
    pair.ours->set_watcher(&told);
    if (!wanted) pair.ours->set_watcher(nullptr);
    // What the other end has not read makes its end a reset.
    REQUIRE(::write(pair.ours->fd(), "x", 1) == 1);
    pair.hang_up();
    run_for(*loop, milliseconds(2));
    CHECK(told.last == (wanted ? pair.ours.get() : nullptr));
    CHECK(pair.ours->hung_up());
  }
}

TEST_CASE("whoever watches an idle socket hears of bytes and of the end, and may close it then") {
  for (const bool ends : {false, true}) {
    auto loop = make_loop();
    Pair pair(*loop);
    Told told;
    pair.ours->set_watcher(&told);
    run_for(*loop, milliseconds(1));
    CHECK(told.times == 0);  // that it can be written to is not told
    pair.say('a');
    run_for(*loop, milliseconds(1));
    CHECK(told.times == 1);
    CHECK(pair.ours->has_news());
    CHECK_FALSE(pair.ours->hung_up());
    told.on_heard = [&](Watched& socket) {
      CHECK(&socket == pair.ours.get());
      CHECK(socket.hung_up() == ends);
      pair.ours.reset();
    };
    if (ends) {
      pair.hang_up();
    } else {
      pair.say('b');
    }
    run_for(*loop, milliseconds(1));
    CHECK(told.times == 2);
    CHECK(told.last == nullptr);  // an end in order is no failure
  }
}

TEST_CASE("a socket that goes before its event of the same turn is not touched") {
  auto loop = make_loop();
  auto first = std::make_unique<Pair>(*loop);
  auto second = std::make_unique<Pair>(*loop);
  run_for(*loop, milliseconds(1));  // that they can be written to is no news any more
  // In one turn: the first one's event, the call, the second one's event.
  first->say('a');
  loop->post([&] {
    first.reset();
    second.reset();
  });
  second->say('b');
  run_for(*loop, milliseconds(2));
  CHECK(first == nullptr);
  CHECK(loop->wind_up());
}

// ---- Gates ----

namespace {

Task<void> pass(Gate& gate, Gate::Time deadline, std::string& order, char opened, char late) {
  const bool through = co_await gate.wait(deadline);
  order += through ? opened : late;
}

}  // namespace

TEST_CASE("a gate lets through who waits, oldest first, once") {
  auto loop = make_loop();
  Gate gate(*loop);
  std::string order;
  start(pass(gate, Watched::kForever, order, 'a', 'A'));
  start(pass(gate, loop->now() + milliseconds(1), order, 'b', 'B'));
  start(pass(gate, loop->now() + seconds(100), order, 'c', 'C'));
  start(pass(gate, Watched::kForever, order, 'd', 'D'));
  CHECK(gate.waiting() == 4);
  gate.open_one();
  run_for(*loop, milliseconds(3));
  CHECK(order == "aB");
  gate.open_all();
  CHECK(gate.waiting() == 0);
  start(pass(gate, Watched::kForever, order, 'e', 'E'));
  run_for(*loop, milliseconds(1));
  CHECK(order == "aBcd");
  gate.open_one();
  gate.open_one();  // nobody is there any more
  CHECK(loop->wind_up());
  CHECK(order == "aBcde");
}

// ---- The end ----

namespace {

struct Count {
  explicit Count(int& of) : of_(of) { ++of_; }
  ~Count() { --of_; }
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;
  int& of_;
};

/// Waits for its socket again and again, until it is closed.
Task<void> listen(EventLoop& loop, int& alive) {
  const Count count(alive);
  const Pair pair(loop);
  for (;;) {
    const Wake wake = co_await pair.ours->readable(loop.now() + seconds(100));
    if (wake == Wake::kClosed) co_return;
    pair.ours->drained();
  }
}

Task<void> rest(EventLoop& loop, int& alive) {
  const Count count(alive);
  for (int i = 0; i < 3; ++i) co_await loop.sleep_until(loop.now() + seconds(100));
}

void again(EventLoop& loop, int& left) {
  loop.at(loop.now() + seconds(100), [&loop, &left] {
    if (--left > 0) again(loop, left);
  });
}

struct Never {
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { handle = waiting; }
  void await_resume() const {}
  std::coroutine_handle<>& handle;
};

Task<void> wait_for_thread(EventLoop& loop, std::coroutine_handle<>& handle) {
  const Pair pair(loop);
  co_await Never{handle};
}

}  // namespace

TEST_CASE("winding up ends everybody who waits in the loop") {
  auto loop = make_loop();
  int alive = 0, left = 5;
  for (int i = 0; i < 10; ++i) start(listen(*loop, alive));
  for (int i = 0; i < 10; ++i) start(rest(*loop, alive));
  again(*loop, left);
  CHECK(alive == 20);
  run_for(*loop, milliseconds(1));
  CHECK(alive == 20);
  CHECK(loop->wind_up());
  CHECK(alive == 0);
  CHECK(left == 0);
}

TEST_CASE("winding up says so when somebody waits for what is not the loop's") {
  auto loop = make_loop();
  std::coroutine_handle<> handle;
  start(wait_for_thread(*loop, handle));
  CHECK_FALSE(loop->wind_up());
  handle.resume();
  CHECK(loop->wind_up());
}

namespace {

/// Answers itself on all of `pairs` at once: one turn of the loop hears of each.
Task<void> echo(Pair& pair, std::vector<std::unique_ptr<Pair>>& pairs, unsigned& heard) {
  for (;;) {
    const Wake wake = co_await pair.ours->readable();
    if (wake != Wake::kReady) co_return;
    char byte = 0;
    REQUIRE(::read(pair.ours->fd(), &byte, 1) == 1);
    pair.ours->drained();
    if (++heard % pairs.size() != 0) continue;
    for (const auto& each : pairs) each->say('x');
  }
}

Task<void> note_policy(EventLoop& loop, EventLoop::Time when, std::vector<int>& policies) {
  co_await loop.sleep_until(when);
  policies.push_back(::sched_getscheduler(0));
}

/// The policies of a thread whose loop hears of `at_once` things a turn: in it, and after it.
std::vector<int> policies_with(std::size_t at_once, int at_first) {
  std::vector<int> policies;
  std::thread([&] {
    const sched_param none{};
    REQUIRE(::sched_setscheduler(0, at_first, &none) == 0);
    auto loop = make_loop();
    std::vector<std::unique_ptr<Pair>> pairs;
    for (std::size_t i = 0; i < at_once; ++i) pairs.push_back(std::make_unique<Pair>(*loop));
    unsigned heard = 0;
    for (const auto& pair : pairs) start(echo(*pair, pairs, heard));
    for (const auto& pair : pairs) pair->say('x');
    start(note_policy(*loop, loop->now() + milliseconds(50), policies));
    run_for(*loop, milliseconds(60));
    REQUIRE(heard > 100 * at_once);
    policies.push_back(::sched_getscheduler(0));
    for (const auto& pair : pairs) pair->ours->cancel();
    run_for(*loop, milliseconds(1));
  }).join();
  return policies;
}

}  // namespace

TEST_CASE("a loop that hears of several things a turn interrupts nobody for them") {
  CHECK(policies_with(4, SCHED_OTHER) == std::vector<int>{SCHED_BATCH, SCHED_OTHER});
  CHECK(policies_with(1, SCHED_OTHER) == std::vector<int>{SCHED_OTHER, SCHED_OTHER});
  // Somebody had a reason.
  CHECK(policies_with(4, SCHED_IDLE) == std::vector<int>{SCHED_IDLE, SCHED_IDLE});
}

TEST_CASE("a loop with less to do is quick again") {
  std::vector<int> policies;
  std::thread([&] {
    auto loop = make_loop();
    std::vector<std::unique_ptr<Pair>> pairs;
    for (int i = 0; i < 4; ++i) pairs.push_back(std::make_unique<Pair>(*loop));
    unsigned heard = 0;
    for (const auto& pair : pairs) start(echo(*pair, pairs, heard));
    for (const auto& pair : pairs) pair->say('x');
    const auto now = loop->now();
    start(note_policy(*loop, now + milliseconds(50), policies));
    loop->at(now + milliseconds(60), [&] { pairs.front()->ours->cancel(); });
    start(note_policy(*loop, now + milliseconds(250), policies));
    start(note_policy(*loop, now + milliseconds(260), policies));
    run_for(*loop, milliseconds(270));
    for (const auto& pair : pairs) pair->ours->cancel();
    run_for(*loop, milliseconds(1));
  }).join();
  CHECK(policies == std::vector<int>{SCHED_BATCH, SCHED_OTHER, SCHED_OTHER});
}

}  // namespace arctic::test
