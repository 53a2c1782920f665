// XChaCha20-Poly1305 for single messages (draft-irtf-cfrg-xchacha-03): a nonce long enough to be
// chosen at random.
//
// Tempest's cookies are sealed with it. Stateless.
#pragma once

#include "schema/base/bytes.h"

namespace arctic {

inline constexpr std::size_t kXchachaNonceBytes = 24;

// REQUIRES for both: a key of 32 bytes, a nonce of 24.

/// Writes `text` sealed and its tag: 16 bytes more than `text`.
void xchacha_seal(ByteView key, ByteView nonce, ByteView associated, ByteView text,
                  std::uint8_t* out);
/// False if it is not authentic; then `out` holds nothing. REQUIRES: `sealed` is 16 bytes longer
/// than `out`.
[[nodiscard]] bool xchacha_open(ByteView key, ByteView nonce, ByteView associated, ByteView sealed,
                                ByteSpan out);

}  // namespace arctic
