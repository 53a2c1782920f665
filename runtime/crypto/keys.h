// X25519 private keys: made, read from text, turned into public keys.
//
// Used by keygen, by the identity of a node, and by both runtimes. The 32 bytes live in memory that
// is locked against swapping and wiped when it is released; nothing here prints or logs them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "schema/base/key.h"

namespace arctic {

/// 44 characters of base64 and a newline, as `wg genkey` prints a key.
inline constexpr std::size_t kKeyLineBytes = 45;

class PrivateKey {
 public:
  /// A new key from the system's random numbers, clamped (RFC 7748, 5) as `wg genkey` does.
  [[nodiscard]] static PrivateKey generate();
  /// Canonical base64 of 32 bytes; nullopt otherwise. Clamped or not: X25519 clamps by itself.
  [[nodiscard]] static std::optional<PrivateKey> parse(std::string_view text);

  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] const std::array<std::uint8_t, 32>& bytes() const { return *bytes_; }
  /// Writes the key's line into `out`; the caller wipes it.
  void write_line(std::array<char, kKeyLineBytes>& out) const;

 private:
  using Bytes = std::array<std::uint8_t, 32>;
  struct Release {
    void operator()(Bytes* bytes) const;
  };
  PrivateKey();

  std::unique_ptr<Bytes, Release> bytes_;
};

/// Makes any 32 bytes the private key that X25519 takes them for (RFC 7748, 5).
void clamp(std::array<std::uint8_t, 32>& secret);

/// Overwrites memory in a way that the compiler keeps.
void wipe(void* bytes, std::size_t size);

}  // namespace arctic
