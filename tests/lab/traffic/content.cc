#include "tests/lab/traffic/content.h"

#include <openssl/evp.h>

#include <cstring>
#include <vector>

namespace arctic::traffic {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

/// Whole words that cover the range; the first byte of the range is `offset % kWord` inside.
const std::uint8_t* words(std::uint64_t seed, std::uint64_t offset, std::size_t size) {
  static thread_local std::vector<std::uint64_t> scratch;
  const std::uint64_t first = offset / kWord;
  const std::size_t count = (offset % kWord + size + kWord - 1) / kWord;
  if (scratch.size() < count) scratch.resize(count);
  for (std::size_t i = 0; i < count; ++i) scratch[i] = mix(seed + first + i);
  return reinterpret_cast<const std::uint8_t*>(scratch.data()) + offset % kWord;
}

}  // namespace

std::uint64_t mix(std::uint64_t value) {
  std::uint64_t z = value * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void fill(std::uint64_t seed, std::uint64_t offset, ByteSpan out) {
  if (!out.empty()) std::memcpy(out.data(), words(seed, offset, out.size()), out.size());
}

bool matches(std::uint64_t seed, std::uint64_t offset, ByteView bytes) {
  return bytes.empty() ||
         std::memcmp(bytes.data(), words(seed, offset, bytes.size()), bytes.size()) == 0;
}

Digest::Digest() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_, EVP_sha256(), nullptr);
}

Digest::~Digest() { EVP_MD_CTX_free(context_); }

void Digest::add(ByteView bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }

Sha256 Digest::finish() {
  Sha256 out{};
  EVP_DigestFinal_ex(context_, out.data(), nullptr);
  return out;
}

}  // namespace arctic::traffic
