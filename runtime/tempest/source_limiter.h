// How often one source may make us do public-key work, while there is too much of it.
//
// Asked for messages whose mac2 is right, so that a source is who gets what is sent there. One per
// thread. Memory is bounded whatever happens: sources that were quiet are forgotten, and when there
// are too many, new ones wait. Pure. A source is an IPv4 address or an IPv6 /64. Reference:
// WireGuard whitepaper, 5.3.
#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>

#include "schema/base/address.h"

namespace arctic {

/// For addresses that their owners have shown to be theirs: it need not withstand attempts to make
/// many meet.
struct AddressHash {
  std::size_t operator()(const Address& address) const;
};

class SourceLimiter {
 public:
  using Time = std::chrono::nanoseconds;

  static constexpr Time kInterval = std::chrono::milliseconds(50);  ///< 20 a second
  static constexpr int kBurst = 5;
  static constexpr std::size_t kMostSources = 16'384;

  [[nodiscard]] bool may(const Address& from, Time now);

  /// For tests of the bound.
  [[nodiscard]] std::size_t remembered() const { return next_.size(); }

 private:
  void forget_quiet(Time now);

  // When the next would be exactly in time, were there no burst (ITU-T I.371's virtual scheduling).
  std::unordered_map<Address, Time, AddressHash> next_;
  Time looked_ = Time::min();
};

}  // namespace arctic
