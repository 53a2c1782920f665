#include "runtime/tempest/timestamp.h"

#include <algorithm>

namespace arctic {
namespace {

constexpr unsigned kStepBits = 24;  // 16.8 ms: less than the interval at which initiations count
constexpr std::uint64_t kTaiOffset = 0x400000000000000aU;
constexpr std::uint64_t kNanoseconds = 1'000'000'000;

template <std::size_t N>
void put_big_endian(std::uint64_t number, std::uint8_t* out) {
  for (std::size_t i = 0; i < N; ++i) {
    out[i] = static_cast<std::uint8_t>(number >> (8 * (N - 1 - i)));
  }
}

}  // namespace

Timestamp Timestamps::next(std::chrono::nanoseconds since_1970) {
  const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(since_1970.count(), 0));
  const std::lock_guard lock(mutex_);
  last_ = std::max(now >> kStepBits, last_ + 1);
  const std::uint64_t time = last_ << kStepBits;
  Timestamp out;
  put_big_endian<8>(kTaiOffset + time / kNanoseconds, out.data());
  put_big_endian<4>(time % kNanoseconds, out.data() + 8);
  return out;
}

}  // namespace arctic
