// The time that an initiation carries, so that each initiator's are in order: TAI64N labels.
//
// One Timestamps per process, so that they go forward whatever the clock does. Pure but for the
// clock, which is handed in. Reference: WireGuard whitepaper, 5.1; TAI64N.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <mutex>

#include "schema/base/bytes.h"

namespace arctic {

/// Big-endian, so that bytes compare as times do.
using Timestamp = std::array<std::uint8_t, 12>;

class Timestamps {
 public:
  /// Later than all before. Nanoseconds are coarse: a fine clock says more about its machine than
  /// others need to know.
  [[nodiscard]] Timestamp next(std::chrono::nanoseconds since_1970);

 private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;  ///< in steps of kStep
};

}  // namespace arctic
