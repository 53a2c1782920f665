// A rate limit: bytes per second with a small burst, exact over any length of time.
//
// Used by the fair queue of each limited service and direction. Integer arithmetic, time handed in;
// never sleeps, knows no thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace arctic {

class TokenBucket {
 public:
  using Time = std::chrono::nanoseconds;  ///< on any clock that only goes forward

  /// The burst is 10 ms of the rate or 64 KiB, whichever is larger; the bucket starts full.
  /// REQUIRES: 0 < bytes_per_second <= 2^40.
  TokenBucket(std::uint64_t bytes_per_second, Time now);

  /// A new rate from now on; what was gathered stays, up to the new burst.
  void set_rate(std::uint64_t bytes_per_second, Time now);

  /// Up to `wanted` bytes; 0 if there are none.
  [[nodiscard]] std::uint64_t take(std::uint64_t wanted, Time now);
  /// Of what was taken, what was not used.
  void give_back(std::uint64_t bytes);
  /// How long until there will be `bytes`, or a whole burst if that is less; zero if they are
  /// there.
  [[nodiscard]] Time until(std::uint64_t bytes, Time now);

  [[nodiscard]] std::uint64_t burst() const { return burst_; }

 private:
  void refill(Time now);

  std::uint64_t rate_ = 1;
  std::uint64_t burst_ = 0;
  std::uint64_t tokens_ = 0;
  std::uint64_t fraction_ = 0;  ///< of a byte, in units of 1/10^9: nothing is ever rounded away
  Time last_;
};

}  // namespace arctic
