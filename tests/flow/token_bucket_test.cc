// A bucket on a hand-moved clock: exact over hours, whatever the steps.
#include <catch2/catch.hpp>
#include <random>

#include "runtime/flow/token_bucket.h"

namespace arctic::test {
namespace {

using Time = TokenBucket::Time;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint64_t drain(TokenBucket& bucket, Time now) { return bucket.take(~std::uint64_t{0}, now); }

}  // namespace

TEST_CASE("the burst is ten milliseconds of the rate, or 64 KiB") {
  CHECK(TokenBucket(1, seconds(0)).burst() == 65536);
  CHECK(TokenBucket(1'250'000, seconds(0)).burst() == 65536);
  CHECK(TokenBucket(125'000'000, seconds(0)).burst() == 1'250'000);
  TokenBucket full(125'000'000, seconds(5));
  CHECK(drain(full, seconds(5)) == 1'250'000);
  CHECK(drain(full, seconds(5)) == 0);
}

TEST_CASE("over hours not a byte is lost or won, whatever the steps") {
  for (const std::uint64_t rate : {std::uint64_t{1'250'000}, std::uint64_t{12'500'000},
                                   std::uint64_t{125'000'000}, std::uint64_t{1'234'567}}) {
    std::mt19937_64 random(rate);
    Time now = seconds(100);
    TokenBucket bucket(rate, now);
    std::uint64_t taken = drain(bucket, now) - bucket.burst();
    const Time begin = now;
    while (now < begin + hours(1)) {
      now += Time(1 + static_cast<std::int64_t>(random() % 5'000'000));
      taken += drain(bucket, now);
    }
    const auto elapsed = static_cast<std::uint64_t>((now - begin).count());
    const auto expected = static_cast<std::uint64_t>(static_cast<long double>(elapsed) *
                                                     static_cast<long double>(rate) / 1e9L);
    INFO("rate " << rate);
    CHECK(taken <= expected + 1);
    CHECK(taken + 1 >= expected);
  }
}

TEST_CASE("a long rest gives one burst and no more") {
  TokenBucket bucket(125'000'000, seconds(0));
  CHECK(drain(bucket, seconds(0)) == bucket.burst());
  CHECK(drain(bucket, hours(24 * 365 * 100)) == bucket.burst());
}

TEST_CASE("until() is exactly when take() gives") {
  TokenBucket bucket(1'234'567, seconds(0));
  (void)drain(bucket, seconds(0));
  Time now = seconds(0);
  for (const std::uint64_t bytes : {1U, 1000U, 16384U, 65536U}) {
    const Time wait = bucket.until(bytes, now);
    CHECK(wait > Time::zero());
    TokenBucket early = bucket;
    CHECK(early.take(bytes, now + wait - Time(1)) < bytes);
    now += wait;
    CHECK(bucket.take(bytes, now) == bytes);
  }
  // More than a burst never comes at once.
  CHECK(bucket.until(1'000'000, now) == bucket.until(65536, now));
}

TEST_CASE("a new rate counts from its moment on") {
  TokenBucket bucket(1'000'000, seconds(0));
  (void)drain(bucket, seconds(0));
  bucket.set_rate(10'000'000, milliseconds(10));
  CHECK(drain(bucket, milliseconds(10)) == 10'000);
  CHECK(drain(bucket, milliseconds(13)) == 30'000);
  bucket.set_rate(1'000'000, milliseconds(13));
  CHECK(drain(bucket, milliseconds(14)) == 1'000);
}

TEST_CASE("what is given back can be taken again, up to the burst") {
  TokenBucket bucket(1'000'000, seconds(0));
  CHECK(bucket.take(60'000, seconds(0)) == 60'000);
  bucket.give_back(50'000);
  CHECK(drain(bucket, seconds(0)) == 55'536);
  bucket.give_back(1'000'000);
  CHECK(drain(bucket, seconds(0)) == 65'536);
}

TEST_CASE("a clock that stands still or goes back gives nothing") {
  TokenBucket bucket(1'000'000, seconds(10));
  (void)drain(bucket, seconds(10));
  CHECK(drain(bucket, seconds(10)) == 0);
  CHECK(drain(bucket, seconds(9)) == 0);
  CHECK(drain(bucket, milliseconds(10'001)) == 1'000);
}

}  // namespace arctic::test
