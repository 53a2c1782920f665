#include "schema/base/hash.h"

#include <sodium/crypto_generichash_blake2b.h>

namespace arctic {

Digest blake2b_256(std::string_view bytes) {
  Digest out{};
  crypto_generichash_blake2b(out.data(), out.size(),
                             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                             nullptr, 0);
  return out;
}

Digest name_hash(std::string_view kind, std::string_view name) {
  std::string bytes;
  bytes.reserve(kind.size() + 1 + name.size());
  bytes.append(kind).push_back('\0');
  bytes.append(name);
  return blake2b_256(bytes);
}

std::uint64_t leading_number(const Digest& digest) {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = (number << 8) | digest[static_cast<std::size_t>(i)];
  return number;
}

std::string base32(const Digest& digest, std::size_t length) {
  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out;
  std::uint32_t window = 0;
  int bits = 0;
  for (std::size_t i = 0; i < digest.size() && out.size() < length; ++i) {
    window = (window << 8) | digest[i];
    bits += 8;
    while (bits >= 5 && out.size() < length) {
      bits -= 5;
      out.push_back(kAlphabet[(window >> bits) & 31]);
    }
  }
  return out;
}

std::string hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(digest.size() * 2);
  for (const std::uint8_t byte : digest) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

}  // namespace arctic
