// BLAKE2s and what Noise builds of it: keyed MAC, HMAC, HKDF.
//
// Called by the Noise core and by the session cores of both runtimes. libcrypto does the work; no
// call fails. References: RFC 7693 (BLAKE2s), RFC 2104 (HMAC), Noise revision 34, 4.3 (HKDF).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "runtime/crypto/secret.h"
#include "schema/base/bytes.h"

namespace arctic {

using Digest = std::array<std::uint8_t, 32>;
using Mac = std::array<std::uint8_t, 16>;

/// BLAKE2s-256 of the parts one after the other: Noise's HASH.
[[nodiscard]] Digest blake2s(std::initializer_list<ByteView> parts);

/// Keyed BLAKE2s with 16 bytes of output, as WireGuard's MAC. REQUIRES: a key of 1 to 32 bytes.
[[nodiscard]] Mac blake2s_mac(ByteView key, std::initializer_list<ByteView> parts);

/// HMAC with BLAKE2s-256 (Noise's HMAC-HASH, block size 64).
[[nodiscard]] Digest hmac(ByteView key, std::initializer_list<ByteView> parts);

/// Noise's HKDF(chaining_key, input, n): fills as many outputs as are given (1 to 3). An output may
/// be the object that `chaining_key` views. Everything on the way is wiped.
void hkdf(ByteView chaining_key, ByteView input, std::initializer_list<Key*> outputs);

/// In constant time. REQUIRES: equal sizes.
[[nodiscard]] bool equal_constant_time(ByteView a, ByteView b);

/// From the system's random numbers.
void fill_random(ByteSpan out);

}  // namespace arctic
