// mac1 and mac2: what shows, before any public-key work, that a message is for us, and, while there
// is too much of that work, that its sender gets what we send to its address.
//
// CookieChecker is the side that is asked: one per thread and identity. CookieMaker is the side
// that asks: one per peer. Pure, not thread-safe. Reference: WireGuard
// whitepaper, 5.3, 5.4.4, 5.4.7.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/crypto/blake2s.h"
#include "runtime/tempest/messages.h"
#include "schema/base/address.h"
#include "schema/base/key.h"

namespace arctic {

/// Address and port of a datagram's sender.
struct Source {
  Address address;
  std::uint16_t port = 0;
  friend bool operator==(const Source&, const Source&) = default;
};

using CookieReply = std::array<std::uint8_t, cookie_reply::kBytes>;

class CookieChecker {
 public:
  using Time = std::chrono::nanoseconds;

  explicit CookieChecker(const PublicKey& own);

  // REQUIRES for all: an initiation or response of its size.

  [[nodiscard]] bool has_mac1(ByteView message) const;
  [[nodiscard]] bool has_mac2(ByteView message, const Source& from, Time now);
  /// What `from` has to put into its next message. REQUIRES: has_mac1().
  [[nodiscard]] CookieReply create_reply(ByteView message, const Source& from, Time now);

 private:
  [[nodiscard]] Mac cookie_of(const Source& from, Time now);

  Digest mac1_key_;
  Digest cookie_key_;
  Key secret_;
  std::optional<Time> secret_made_;
};

class CookieMaker {
 public:
  using Time = std::chrono::nanoseconds;

  explicit CookieMaker(const PublicKey& remote);

  /// Fills the last 32 bytes of an initiation or response.
  void add_macs(ByteSpan message, Time now);
  /// False if it is no answer to the last message: then nothing has changed.
  [[nodiscard]] bool consume_reply(ByteView reply, Time now);

 private:
  Digest mac1_key_;
  Digest cookie_key_;
  std::optional<Mac> sent_;  ///< mac1 of the last message
  Mac cookie_{};
  std::optional<Time> cookie_came_;
};

}  // namespace arctic
