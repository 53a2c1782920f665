// Which counters of a session were seen: each is accepted once, and late ones only for a while.
//
// One per session; whoever opens its datagrams asks after the tag has proved right. Pure, not
// thread-safe. RFC 6479, with a window of 8128 counters.
#pragma once

#include <array>
#include <cstdint>

namespace arctic {

class ReplayWindow {
 public:
  static constexpr std::uint64_t kBits = 8192;
  static constexpr std::uint64_t kWindow = kBits - 64;

  /// False if it was seen, if it is older than the window, or beyond what a session may send.
  [[nodiscard]] bool accept(std::uint64_t counter);

 private:
  std::uint64_t greatest_ = 0;
  std::array<std::uint64_t, kBits / 64> seen_{};
};

}  // namespace arctic
