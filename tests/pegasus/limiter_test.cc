// A limit that connections of two threads share: its rate, fairness, and everybody's way out.
#include "runtime/pegasus/limiter.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include "runtime/io/task.h"

namespace arctic::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

/// A loop in its own thread, wound up when it goes.
class Runner {
 public:
  Runner() : loop_(std::move(*EventLoop::make())), thread_([this] { run(); }) {}
  ~Runner() {
    loop_->stop();
    thread_.join();
    CHECK(wound_up_);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  [[nodiscard]] EventLoop& loop() { return *loop_; }
  template <class Call>
  auto in_loop(Call call) {
    std::packaged_task<decltype(call())()> task(std::move(call));
    auto result = task.get_future();
    loop_->post([&task] { task(); });
    return result.get();
  }

 private:
  void run() {
    loop_->run();
    wound_up_ = loop_->wind_up();
  }
  std::unique_ptr<EventLoop> loop_;
  bool wound_up_ = false;
  std::thread thread_;
};

/// Wants bytes again and again, and says what it got.
struct Taker {
  Taker(Limiter& limiter, Runner& runner) : turn(limiter, runner.loop()), home(runner) {}
  Turn turn;
  Runner& home;
  std::uint64_t passed = 0;
  std::uint64_t last = 1;
  Clock::time_point ended{};
};

Task<void> take(Taker& taker, std::uint64_t all, std::uint64_t each, std::latch& done) {
  while (taker.passed < all && taker.last > 0) {
    taker.last = co_await taker.turn.take(each);
    taker.passed += taker.last;
  }
  taker.ended = Clock::now();
  done.count_down();
}

bool wait_for(std::latch& latch) {
  const auto end = Clock::now() + seconds(20);
  while (!latch.try_wait()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kForever = std::uint64_t{1} << 60;

EventLoop::Time now_of(Runner& runner) {
  return runner.in_loop([&] { return runner.loop().now(); });
}

}  // namespace

TEST_CASE("connections of two threads share one rate, and evenly") {
  std::array<Runner, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  limiter->set_rate(80, now_of(runners[0]));  // 10 MB/s
  constexpr std::uint64_t kEach = kMegabyte / 2;
  std::vector<std::unique_ptr<Taker>> takers;
  std::latch done(8);
  const auto begun = Clock::now();
  for (std::size_t i = 0; i < 8; ++i) {
    takers.push_back(std::make_unique<Taker>(*limiter, runners[i % 2]));
  }
  for (auto& taker : takers) {
    taker->home.in_loop([&] { start(take(*taker, kEach, 100'000, done)); });
  }
  REQUIRE(wait_for(done));
  const auto last = (*std::max_element(takers.begin(), takers.end(), [](auto& a, auto& b) {
                      return a->ended < b->ended;
                    }))->ended;
  // 4 MB at 10 MB/s, less the burst of 100 KB; a slow machine may take longer, but never less.
  CHECK(last - begun >= milliseconds(380));
  // All asked for as much, so all end at about the same time; who came first had the burst.
  for (auto& taker : takers) CHECK(taker->ended - begun > (last - begun) * 6 / 10);
  CHECK(limiter->waits() > 0);
}

TEST_CASE("who waits and is cancelled gets nothing, at once and ever after") {
  std::array<Runner, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  limiter->set_rate(1, now_of(runners[0]));
  std::vector<std::unique_ptr<Taker>> takers;
  std::latch done(6);
  for (std::size_t i = 0; i < 6; ++i) {
    takers.push_back(std::make_unique<Taker>(*limiter, runners[i % 2]));
    takers.back()->home.in_loop([&] { start(take(*takers.back(), kForever, kMegabyte, done)); });
  }
  for (auto& taker : takers) {
    taker->home.in_loop([&] {
      taker->turn.cancel();
      taker->turn.cancel();
    });
  }
  REQUIRE(wait_for(done));
  for (auto& taker : takers) CHECK(taker->last == 0);
  // Nobody stands in the queue any more: a new one gets its bytes.
  Taker after(*limiter, runners[1]);
  std::latch one(1);
  runners[1].in_loop([&] { start(take(after, 1, 1, one)); });
  REQUIRE(wait_for(one));
  CHECK(after.passed == 1);
}

TEST_CASE("a limit that is taken away lets everybody through who waits for it") {
  std::array<Runner, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  limiter->set_rate(1, now_of(runners[0]));
  std::vector<std::unique_ptr<Taker>> takers;
  std::latch done(6);
  for (std::size_t i = 0; i < 6; ++i) {
    takers.push_back(std::make_unique<Taker>(*limiter, runners[i % 2]));
    // A hundred megabytes: more than fourteen minutes at this rate.
    takers.back()->home.in_loop(
        [&] { start(take(*takers.back(), 100 * kMegabyte, kMegabyte, done)); });
  }
  limiter->set_rate(0, now_of(runners[1]));
  REQUIRE(wait_for(done));
  for (auto& taker : takers) CHECK(taker->passed >= 100 * kMegabyte);
  CHECK_FALSE(limiter->limited());
}

TEST_CASE("rates change, come and go under load, and nobody is forgotten") {
  std::array<Runner, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  std::vector<std::unique_ptr<Taker>> takers;
  std::latch done(10);
  for (std::size_t i = 0; i < 10; ++i) {
    takers.push_back(std::make_unique<Taker>(*limiter, runners[i % 2]));
  }
  constexpr std::array<std::uint32_t, 5> kRates{1000, 1, 0, 100, 10};
  const EventLoop::Time now = now_of(runners[0]);
  limiter->set_rate(1, now);
  for (auto& taker : takers) {
    taker->home.in_loop([&] { start(take(*taker, kForever, 50'000, done)); });
  }
  const auto end = Clock::now() + milliseconds(300);
  for (std::size_t i = 0; Clock::now() < end; ++i) {
    // Without a limit a taker never waits, and its loop does nothing else: only for a moment.
    const std::uint32_t rate = kRates[i % kRates.size()];
    limiter->set_rate(rate, now_of(runners[1]));
    if (rate == 0) limiter->set_rate(1, now);
    std::this_thread::sleep_for(milliseconds(1));
  }
  limiter->set_rate(1, now);
  for (auto& taker : takers) taker->home.in_loop([&] { taker->turn.cancel(); });
  REQUIRE(wait_for(done));
  for (auto& taker : takers) CHECK(taker->last == 0);
}

TEST_CASE("a service that goes while its clock runs takes nobody along") {
  Runner runner;
  auto limiter = std::make_shared<Limiter>();
  limiter->set_rate(1, now_of(runner));
  const std::weak_ptr<Limiter> seen = limiter;
  std::latch done(1);
  auto taker = std::make_unique<Taker>(*limiter, runner);
  runner.in_loop([&] { start(take(*taker, kForever, kMegabyte, done)); });
  runner.in_loop([&] { taker->turn.cancel(); });
  REQUIRE(wait_for(done));
  runner.in_loop([&] { taker.reset(); });
  limiter.reset();
  // The timer that served it keeps it until it has run out, and no longer.
  const auto end = Clock::now() + seconds(10);
  while (!seen.expired() && Clock::now() < end) std::this_thread::sleep_for(milliseconds(1));
  CHECK(seen.expired());
}

TEST_CASE("what is taken without a wait leaves nobody in the queue") {
  Runner runner;
  const auto limiter = std::make_shared<Limiter>();
  Turn turn(*limiter, runner.loop());
  CHECK(runner.in_loop([&] { return turn.take_now(kMegabyte); }) == kMegabyte);
  limiter->set_rate(1, now_of(runner));
  const auto taken = runner.in_loop([&] {
    std::uint64_t all = 0;
    while (const std::uint64_t some = turn.take_now(kMegabyte)) all += some;
    return all;
  });
  CHECK(taken >= 4096);
  CHECK(taken <= 70'000);  // the burst
  // What comes back can be taken again, by the same or by another.
  CHECK(runner.in_loop([&] {
    turn.give_back(4096);
    return turn.take_now(kMegabyte);
  }) >= 4000);
}

}  // namespace arctic::test
