// A limit that connections of two threads share: its rate, fairness, and everybody's way out.
#include "runtime/pegasus/limiter.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

#include "runtime/io/task.h"
#include "runtime/pegasus/shared.h"
#include "tests/support/loop_thread.h"

namespace arctic::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

/// Wants bytes again and again, and says what it got.
struct Taker {
  Taker(Limiter& limiter, LoopThread& runner) : turn(limiter, runner.loop()), home(runner) {}
  Turn turn;
  LoopThread& home;
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
  return eventually([&] { return latch.try_wait(); });
}

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kForever = std::uint64_t{1} << 60;

EventLoop::Time now_of(LoopThread& runner) {
  return runner.in_loop([&] { return runner.loop().now(); });
}

using Takers = std::vector<std::unique_ptr<Taker>>;

/// So many, on the two loops by turns.
Takers takers_of(std::size_t count, Limiter& limiter, std::array<LoopThread, 2>& runners) {
  Takers takers;
  for (std::size_t i = 0; i < count; ++i) {
    takers.push_back(std::make_unique<Taker>(limiter, runners[i % 2]));
  }
  return takers;
}

void start_all(Takers& takers, std::uint64_t all, std::uint64_t each, std::latch& done) {
  for (auto& taker : takers) taker->home.in_loop([&] { start(take(*taker, all, each, done)); });
}

}  // namespace

TEST_CASE("connections of two threads share one rate, and evenly") {
  std::array<LoopThread, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  limiter->set_rate(80, now_of(runners[0]));  // 10 MB/s
  constexpr std::uint64_t kEach = kMegabyte / 2;
  Takers takers = takers_of(8, *limiter, runners);
  std::latch done(8);
  const auto begun = Clock::now();
  start_all(takers, kEach, 100'000, done);
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
  std::array<LoopThread, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  limiter->set_rate(1, now_of(runners[0]));
  Takers takers = takers_of(6, *limiter, runners);
  std::latch done(6);
  start_all(takers, kForever, kMegabyte, done);
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
  std::array<LoopThread, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  limiter->set_rate(1, now_of(runners[0]));
  Takers takers = takers_of(6, *limiter, runners);
  std::latch done(6);
  // A hundred megabytes: more than fourteen minutes at this rate.
  start_all(takers, 100 * kMegabyte, kMegabyte, done);
  limiter->set_rate(0, now_of(runners[1]));
  REQUIRE(wait_for(done));
  for (auto& taker : takers) CHECK(taker->passed >= 100 * kMegabyte);
  CHECK_FALSE(limiter->limited());
}

TEST_CASE("rates change, come and go under load, and nobody is forgotten") {
  std::array<LoopThread, 2> runners;
  const auto limiter = std::make_shared<Limiter>();
  Takers takers = takers_of(10, *limiter, runners);
  std::latch done(10);
  constexpr std::array<std::uint32_t, 5> kRates{1000, 1, 0, 100, 10};
  const EventLoop::Time now = now_of(runners[0]);
  limiter->set_rate(1, now);
  start_all(takers, kForever, 50'000, done);
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
  LoopThread runner;
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
  CHECK(eventually([&] { return seen.expired(); }));
}

TEST_CASE("what is taken without a wait leaves nobody in the queue") {
  LoopThread runner;
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
    turn.give_back(8192);
    return turn.take_now(kMegabyte);
  }) >= 8000);
}

TEST_CASE("what is prepared sets the limits of services that are new, by name, and no others") {
  const auto with = [](std::uint16_t port, std::uint32_t mbps) {
    PegasusConfig::Tunnel tunnel;
    tunnel.service = "old";
    tunnel.listen_port = port;
    tunnel.limit_mbps = mbps;
    PegasusConfig config;
    config.tunnels.push_back(tunnel);
    return config;
  };
  Limits limits;
  const Running current(with(20001, 0));
  limits.set(current, seconds(1));
  PegasusConfig next = with(20002, 10);  // another port, too
  next.tunnels.push_back(next.tunnels.front());
  next.tunnels.back().service = "new";
  next.tunnels.back().listen_port = 20003;
  const Running prepared(std::move(next));
  limits.set(prepared, seconds(1), &current);
  CHECK_FALSE(limits.of("old")->to_peer->limited());
  CHECK(limits.of("new")->to_peer->limited());
  CHECK(limits.of("new")->from_peer->limited());
  limits.set(prepared, seconds(2));
  CHECK(limits.of("old")->from_peer->limited());
  limits.keep_only(current);
  CHECK_FALSE(limits.of("new")->to_peer->limited());
}

}  // namespace arctic::test
