// ChaCha20-Poly1305 for one key and one direction (RFC 8439; nonce as in Noise and WireGuard: four
// zero bytes, then a 64-bit little-endian counter).
//
// Made once per key; then sealing and opening happen in place, without allocation and with nothing
// set but the nonce. Called on every record and datagram. Never picks counters: the caller does.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "runtime/crypto/secret.h"
#include "schema/base/bytes.h"

namespace arctic {

inline constexpr std::size_t kTagBytes = 16;

using AeadNonce = std::array<std::uint8_t, 12>;
[[nodiscard]] AeadNonce aead_nonce(std::uint64_t counter);

class KeyedCipher;

/// The library whose code Sealer and Opener run, by its name. With AVX2 and no AVX-512, libgcrypt:
/// it enciphers and authenticates in one pass and takes two thirds of libcrypto's time for a record
/// of 16 KiB, if it agreed with libcrypto when the process first asked. Elsewhere libcrypto.
[[nodiscard]] const char* aead_library();

class Sealer {
 public:
  explicit Sealer(const Key& key);
  ~Sealer();
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;

  /// Encrypts `text` in place and writes its tag behind `tag`. REQUIRES: kTagBytes bytes at `tag`;
  /// a counter never used with this key before.
  void seal(std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag);

 private:
  std::unique_ptr<KeyedCipher> cipher_;
};

class Opener {
 public:
  explicit Opener(const Key& key);
  ~Opener();
  Opener(Opener&&) noexcept;
  Opener& operator=(Opener&&) noexcept;

  /// Decrypts `text` in place; false if the tag does not fit, and then `text` is worthless.
  [[nodiscard]] bool open(std::uint64_t counter, ByteView associated, ByteSpan text,
                          const std::uint8_t* tag);

 private:
  std::unique_ptr<KeyedCipher> cipher_;
};

}  // namespace arctic
