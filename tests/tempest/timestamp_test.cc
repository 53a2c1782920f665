// Labels of time: TAI64N, always forward.
#include "runtime/tempest/timestamp.h"

#include <catch2/catch.hpp>

#include "tests/support/hex.h"

namespace arctic::test {

TEST_CASE("a label is TAI64N, and says no more than some 17 ms") {
  Timestamps labels;
  // 1,000,000,000 s after 1970 and a little: 0x3b9aca00, and 10 s of TAI.
  const auto label = labels.next(std::chrono::nanoseconds(1'000'000'000'500'000'000));
  CHECK(hex(label).substr(0, 16) == "400000003b9aca0a");
  const auto time = (1'000'000'000'500'000'000 >> 24) << 24;
  CHECK(std::stoul(hex(label).substr(16), nullptr, 16) == time % 1'000'000'000);
}

TEST_CASE("labels go forward whatever the clock does") {
  Timestamps labels;
  const std::chrono::seconds now{2'000'000'000};
  Timestamp last = labels.next(now);
  for (const auto& clock : {now, now - std::chrono::hours(1), std::chrono::seconds(0), now,
                            std::chrono::seconds(-5), now + std::chrono::seconds(1)}) {
    const Timestamp label = labels.next(clock);
    CHECK(label > last);
    last = label;
  }
}

}  // namespace arctic::test
