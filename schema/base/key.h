// X25519 public keys as text: base64 of 32 bytes, the way `wg pubkey` prints them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arctic {

struct PublicKey {
  std::array<std::uint8_t, 32> bytes{};

  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
  [[nodiscard]] std::string to_string() const;  ///< 44 characters of base64
};

/// Canonical base64 of exactly 32 bytes (44 characters, unused bits zero); nullopt otherwise.
/// Says nothing about the point itself: see is_low_order.
[[nodiscard]] std::optional<PublicKey> parse_public_key(std::string_view text);

/// True for 44 characters that end in `=` and are base64 else: what a key file holds, private or
/// public.
[[nodiscard]] bool looks_like_key(std::string_view text);

/// True if a line of text holds something that looks like a key and says nothing of `pub`: it may
/// be a private key, and is never shown.
[[nodiscard]] bool may_hold_private_key(std::string_view line);

/// True for the points whose shared secret is zero whatever the private key (RFC 7748, 6.1),
/// non-canonical encodings included.
[[nodiscard]] bool is_low_order(const PublicKey& key);

}  // namespace arctic
