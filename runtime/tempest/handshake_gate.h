// Whether a handshake message may cost us public-key work: mac1 always, mac2 and a rate per source
// while there is too much of it.
//
// Each worker has one, for the messages that it receives. Cookie replies are bounded in rate, so
// that a flood of strangers is not answered datagram by datagram; the addresses of our peers always
// get theirs. Pure, not thread-safe. Reference: WireGuard whitepaper, 5.3.
#pragma once

#include <chrono>
#include <optional>

#include "runtime/tempest/cookie.h"
#include "runtime/tempest/drops.h"
#include "runtime/tempest/source_limiter.h"

namespace arctic {

class HandshakeGate {
 public:
  using Time = std::chrono::nanoseconds;

  /// In a second, to addresses that are no peer's.
  static constexpr unsigned kRepliesToStrangers = 1000;

  explicit HandshakeGate(const PublicKey& own) : cookies_(own) {}

  struct Verdict {
    std::optional<Drop> drop;          ///< absent: let it in
    std::optional<CookieReply> reply;  ///< to be sent to where it came from
  };
  /// `loaded`: too many wait already. `known`: one of our peers is at that address. REQUIRES: an
  /// initiation or response of its size.
  [[nodiscard]] Verdict judge(ByteView message, const Source& from, bool loaded, bool known,
                              Time now);

 private:
  [[nodiscard]] bool may_reply(bool known, Time now);

  CookieChecker cookies_;
  SourceLimiter limiter_;
  Time replies_since_ = Time::min();
  unsigned replies_ = 0;
};

}  // namespace arctic
