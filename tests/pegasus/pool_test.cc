// How many links are kept ready, and how a peer that does not answer is asked again.
#include <catch2/catch.hpp>

#include "runtime/pegasus/pool.h"

namespace arctic::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = PoolPolicy::Time;

}  // namespace

TEST_CASE("as many are ready as are opened during a dial") {
  struct Case {
    int per_second;
    std::size_t least;
    std::size_t most;
  };
  for (const Case& each :
       {Case{0, 2, 2}, {1, 2, 2}, {100, 20, 30}, {300, 60, 90}, {5000, 128, 128}}) {
    PoolPolicy policy;
    Time now = seconds(100);
    for (int i = 0; i < 5 * each.per_second; ++i) {
      now += Time(seconds(1)) / each.per_second;
      policy.opening(now);
    }
    INFO(each.per_second << " openings a second");
    CHECK(policy.wanted(now) >= each.least);
    CHECK(policy.wanted(now) <= each.most);
    CHECK(policy.wanted(now + seconds(10)) == PoolPolicy::kFewest);
  }
}

TEST_CASE("dials are for who waits and for what should be ready, less what is coming") {
  PoolPolicy policy;
  const Time now = seconds(1);
  for (std::size_t i = 0; i < PoolPolicy::kMostDialling; ++i) policy.succeeded();
  CHECK(policy.dials(0, 0, 0, now) == 2);
  CHECK(policy.dials(1, 0, 0, now) == 1);
  CHECK(policy.dials(1, 1, 0, now) == 0);
  CHECK(policy.dials(0, 2, 3, now) == 3);
  CHECK(policy.dials(0, 0, 100, now) == PoolPolicy::kMostDialling);
  CHECK(policy.dials(0, PoolPolicy::kMostDialling, 100, now) == 0);
  CHECK(policy.dials(5, 0, 0, now) == 0);
}

TEST_CASE("what does not come back is replaced at once, what does when half is gone") {
  struct Case {
    int returns;         ///< of 400 openings
    std::size_t enough;  ///< of the 100 that are wanted
  };
  for (const Case& each : {Case{0, 100}, {100, 88}, {200, 75}, {400, 50}, {4000, 50}}) {
    PoolPolicy policy;
    for (std::size_t i = 0; i < PoolPolicy::kMostDialling; ++i) policy.succeeded();
    const Time now = seconds(100);
    for (int i = 0; i < 400; ++i) policy.opening(now);
    for (int i = 0; i < each.returns; ++i) policy.came_back(now);
    INFO(each.returns << " came back");
    REQUIRE(policy.wanted(now) == 100);
    CHECK(policy.dials(each.enough, 0, 0, now) == 0);
    CHECK(policy.dials(each.enough - 5, 5, 0, now) == 0);
    CHECK(policy.dials(each.enough, 0, 1, now) > 0);
    // Then as many as are missing of what is wanted.
    const std::size_t missing = 100 - (each.enough - 1);
    CHECK(policy.dials(each.enough - 1, 0, 0, now) == std::min(missing, PoolPolicy::kMostDialling));
    // What came back long ago says nothing of today.
    const Time later = now + seconds(20);
    for (int i = 0; i < 400; ++i) policy.opening(later);
    CHECK(policy.dials(policy.wanted(later) - 1, 0, 0, later) == 1);
  }
}

TEST_CASE("a peer that fails is asked once at a time, and later each time") {
  PoolPolicy policy;
  Time now = seconds(1);
  Time before{};
  for (int i = 0; i < 12; ++i) {
    policy.failed(now, 0);
    CHECK(policy.dials(0, 0, 5, now) == 0);
    const Time wait = policy.may_dial_at() - now;
    CHECK(wait == std::min<Time>(i == 0 ? Time(milliseconds(100)) : 2 * before, seconds(2)));
    before = wait;
    now += wait;
    CHECK(policy.dials(0, 0, 5, now) == 1);
    CHECK(policy.dials(0, 1, 5, now) == 0);
  }
  policy.succeeded();
  CHECK(policy.dials(0, 0, 5, now) == 5);
}

TEST_CASE("dials that fail together count once") {
  PoolPolicy policy;
  for (int i = 0; i < 16; ++i) policy.failed(seconds(1) + milliseconds(i), 0);
  CHECK(policy.may_dial_at() == seconds(1) + milliseconds(100));
  policy.failed(policy.may_dial_at(), 0);
  CHECK(policy.may_dial_at() == seconds(1) + milliseconds(300));
}

TEST_CASE("a peer that has too many is dialled less at once, and more again") {
  PoolPolicy policy;
  const auto at_once = [&](Time now) { return policy.dials(0, 0, 100, now); };
  for (std::size_t i = 0; i < 100; ++i) policy.succeeded();
  CHECK(at_once(seconds(1)) == PoolPolicy::kMostDialling);
  std::size_t expected = PoolPolicy::kMostDialling;
  for (Time now = seconds(1); expected > 1; now += seconds(1)) {
    policy.overloaded(now, UINT32_MAX);
    CHECK(at_once(now) == 0);
    expected /= 2;
    CHECK(at_once(now + milliseconds(100)) == expected);
    CHECK_FALSE(policy.failing());
  }
  policy.overloaded(seconds(20), 0);
  CHECK(at_once(seconds(21)) == 1);
  policy.succeeded();
  CHECK(at_once(seconds(21)) == 2);
}

TEST_CASE("chance takes up to half of the wait away") {
  for (const std::uint32_t chance : {0U, 1U << 31, UINT32_MAX}) {
    PoolPolicy policy;
    policy.failed(seconds(1), chance);
    CHECK(policy.may_dial_at() - seconds(1) <= milliseconds(100));
    CHECK(policy.may_dial_at() - seconds(1) >= milliseconds(50));
  }
  PoolPolicy late;
  late.failed(seconds(1), UINT32_MAX);
  CHECK(late.may_dial_at() - seconds(1) == milliseconds(50));
}

}  // namespace arctic::test
