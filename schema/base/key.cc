#include "schema/base/key.h"

#include <sodium/crypto_scalarmult_curve25519.h>

#include <algorithm>

namespace arctic {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kKeyCharacters = 44;

}  // namespace

std::string PublicKey::to_string() const {
  std::string out;
  std::uint32_t window = 0;
  int bits = 0;
  for (const std::uint8_t byte : bytes) {
    window = (window << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out.push_back(kAlphabet[(window >> bits) & 63]);
    }
  }
  out.push_back(kAlphabet[(window << (6 - bits)) & 63]);
  out.push_back('=');
  return out;
}

std::optional<PublicKey> parse_public_key(std::string_view text) {
  if (text.size() != kKeyCharacters || text[43] != '=') return std::nullopt;
  PublicKey key;
  std::uint32_t window = 0;
  int bits = 0;
  std::size_t out = 0;
  for (std::size_t i = 0; i < 43; ++i) {
    const std::size_t value = kAlphabet.find(text[i]);
    if (value == std::string_view::npos) return std::nullopt;
    window = (window << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      key.bytes[out++] = static_cast<std::uint8_t>(window >> bits);
    }
  }
  if ((window & ((1U << bits) - 1)) != 0) return std::nullopt;
  return key;
}

bool looks_like_key(std::string_view text) {
  return text.size() == kKeyCharacters && text.back() == '=' &&
         text.substr(0, kKeyCharacters - 1).find_first_not_of(kAlphabet) == std::string_view::npos;
}

bool may_hold_private_key(std::string_view line) {
  std::string small(line);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (small.find("pub") != std::string::npos) return false;
  for (std::size_t at = line.find_first_of(kAlphabet); at != std::string_view::npos;
       at = line.find_first_of(kAlphabet, at)) {
    const std::size_t end = std::min(line.find_first_not_of(kAlphabet, at), line.size());
    if (looks_like_key(line.substr(at, end - at + 1))) return true;
    at = end;
  }
  return false;
}

bool is_low_order(const PublicKey& key) {
  // Any clamped scalar is a multiple of 8 and sends every low-order point to zero.
  static constexpr unsigned char kScalar[32] = {8};
  unsigned char shared[32];
  return crypto_scalarmult_curve25519(shared, kScalar, key.bytes.data()) != 0;
}

}  // namespace arctic
