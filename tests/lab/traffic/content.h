// Bytes that can be checked wherever they arrive: they depend on a seed and their place alone.
//
// The traffic tool's client and server both make and check them; no socket here.
#pragma once

#include <array>
#include <cstdint>

#include "schema/base/bytes.h"

struct evp_md_ctx_st;

namespace arctic::traffic {

/// The bytes of stream `seed` from `offset` on.
void fill(std::uint64_t seed, std::uint64_t offset, ByteSpan out);
/// True if `bytes` are what fill() gives.
[[nodiscard]] bool matches(std::uint64_t seed, std::uint64_t offset, ByteView bytes);
/// A number that looks random, always the same for the same input.
[[nodiscard]] std::uint64_t mix(std::uint64_t value);

using Sha256 = std::array<std::uint8_t, 32>;

/// SHA-256 of bytes that come piece by piece.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  void add(ByteView bytes);
  /// To be called once.
  [[nodiscard]] Sha256 finish();

 private:
  evp_md_ctx_st* context_;
};

}  // namespace arctic::traffic
