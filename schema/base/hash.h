// BLAKE2b-256, and the texts made of it. The only door to libsodium outside the crypto folder.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace arctic {

using Digest = std::array<std::uint8_t, 32>;

/// BLAKE2b with 32 bytes of output and no key (RFC 7693).
[[nodiscard]] Digest blake2b_256(std::string_view bytes);

/// BLAKE2b-256 of `kind`, a zero byte, `name`: what all derived names and numbers hang on.
[[nodiscard]] Digest name_hash(std::string_view kind, std::string_view name);

/// The first 8 bytes of a digest as a big-endian number.
[[nodiscard]] std::uint64_t leading_number(const Digest& digest);

/// Lower-case base32 (RFC 4648) without padding; the first `length` characters.
[[nodiscard]] std::string base32(const Digest& digest, std::size_t length);

/// Lower-case hexadecimal of all 32 bytes.
[[nodiscard]] std::string hex(const Digest& digest);

}  // namespace arctic
