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

  /// `bytes_per_second` > 0. The burst is 10 ms of it or 64 KiB, whichever is larger; starts full.
  TokenBucket(std::uint64_t bytes_per_second, Time now);

  /// A new rate from now on; tokens gathered so far stay, up to the new burst.
  void set_rate(std::uint64_t bytes_per_second, Time now);

  /// Up to `wanted` bytes, at once; 0 if there are none.
  [[nodiscard]] std::uint64_t take(std::uint64_t wanted, Time now);
  /// Bytes that were taken and not used.
  void give_back(std::uint64_t bytes);
  /// Bytes that passed without having been taken; the bucket may owe.
  void owe(std::uint64_t bytes, Time now);
  /// How long until take() would give `bytes` (at most the burst); zero if now.
  [[nodiscard]] Time until(std::uint64_t bytes, Time now) const;
};

}  // namespace arctic
