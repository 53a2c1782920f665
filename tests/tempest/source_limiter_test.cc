// The rate of one source, and the bound on all that are remembered.
#include "runtime/tempest/source_limiter.h"

#include <catch2/catch.hpp>

namespace arctic::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

TEST_CASE("five at once, then twenty a second, each source for itself") {
  for (const Address& from : {Address{Family::kIpv4, 7}, Address{Family::kIpv6, U128{7} << 64}}) {
    SourceLimiter limiter;
    const milliseconds begin{1000};
    int good = 0;
    for (int i = 0; i < 10; ++i) good += limiter.may(from, begin) ? 1 : 0;
    CHECK(good == SourceLimiter::kBurst);
    CHECK(limiter.may({from.family, from.bits + (U128{1} << 64)}, begin));
    CHECK_FALSE(limiter.may(from, begin + milliseconds(49)));
    CHECK(limiter.may(from, begin + milliseconds(50)));
    good = 0;
    for (milliseconds at{0}; at < seconds(10); at += milliseconds(1)) {
      good += limiter.may(from, begin + at) ? 1 : 0;
    }
    CHECK(good >= 198);
    CHECK(good <= 201);
  }
}

TEST_CASE("an IPv6 source is its /64") {
  SourceLimiter limiter;
  for (unsigned i = 0; i < 5; ++i) CHECK(limiter.may({Family::kIpv6, i}, seconds(1)));
  CHECK_FALSE(limiter.may({Family::kIpv6, 99}, seconds(1)));
}

TEST_CASE("sources that were quiet are forgotten; when there are too many, new ones wait") {
  SourceLimiter limiter;
  for (unsigned i = 0; i < SourceLimiter::kMostSources; ++i) {
    REQUIRE(limiter.may({Family::kIpv4, i}, seconds(1)));
  }
  CHECK_FALSE(limiter.may({Family::kIpv4, UINT32_MAX}, seconds(1)));
  CHECK(limiter.may({Family::kIpv4, 1}, seconds(1)));
  CHECK(limiter.remembered() == SourceLimiter::kMostSources);
  CHECK(limiter.may({Family::kIpv4, UINT32_MAX}, seconds(3)));
  CHECK(limiter.remembered() == 1);
}

}  // namespace arctic::test
