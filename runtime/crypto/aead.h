// ChaCha20-Poly1305 for one key and one direction (RFC 8439; nonce as in Noise and WireGuard: four
// zero bytes, then a 64-bit little-endian counter).
//
// Made once per key; then sealing and opening happen in place, without allocation and with nothing
// set but the nonce. Called on every record and datagram. Never picks counters: the caller does.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/crypto/secret.h"
#include "schema/base/bytes.h"

struct evp_cipher_ctx_st;

namespace arctic {

inline constexpr std::size_t kTagBytes = 16;

struct FreeCipher {
  void operator()(evp_cipher_ctx_st* context) const;
};
using CipherContext = std::unique_ptr<evp_cipher_ctx_st, FreeCipher>;

class Sealer {
 public:
  explicit Sealer(const Key& key);

  /// Encrypts `text` in place and writes its tag behind `tag`. REQUIRES: kTagBytes bytes at `tag`;
  /// a counter never used with this key before.
  void seal(std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag);

 private:
  CipherContext context_;
};

class Opener {
 public:
  explicit Opener(const Key& key);

  /// Decrypts `text` in place; false if the tag does not fit, and then `text` is worthless.
  [[nodiscard]] bool open(std::uint64_t counter, ByteView associated, ByteSpan text,
                          const std::uint8_t* tag);

 private:
  CipherContext context_;
};

}  // namespace arctic
