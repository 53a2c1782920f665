#include "runtime/crypto/keys.h"

#include <sodium.h>

#include <cstdlib>
#include <new>

namespace arctic {
namespace {

void start_library() {
  // Without it the random numbers are not to be trusted; there is nothing sensible to go on with.
  if (sodium_init() < 0) std::abort();
}

}  // namespace

void PrivateKey::Release::operator()(Bytes* bytes) const { sodium_free(bytes); }

PrivateKey::PrivateKey() {
  start_library();
  void* memory = sodium_malloc(sizeof(Bytes));
  if (memory == nullptr) throw std::bad_alloc();
  bytes_.reset(new (memory) Bytes{});
}

PrivateKey PrivateKey::generate() {
  PrivateKey key;
  Bytes& bytes = *key.bytes_;
  randombytes_buf(bytes.data(), bytes.size());
  clamp(bytes);
  return key;
}

std::optional<PrivateKey> PrivateKey::parse(std::string_view text) {
  if (text.size() != kKeyLineBytes - 1) return std::nullopt;
  PrivateKey key;
  Bytes& bytes = *key.bytes_;
  std::size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      size != bytes.size()) {
    return std::nullopt;
  }
  return key;
}

PublicKey PrivateKey::public_key() const {
  PublicKey key;
  crypto_scalarmult_curve25519_base(key.bytes.data(), bytes_->data());
  return key;
}

void PrivateKey::write_line(std::array<char, kKeyLineBytes>& out) const {
  static_assert(sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL) == kKeyLineBytes);
  sodium_bin2base64(out.data(), out.size(), bytes_->data(), bytes_->size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.back() = '\n';
}

void clamp(std::array<std::uint8_t, 32>& secret) {
  secret[0] &= 248;
  secret[31] &= 127;
  secret[31] |= 64;
}

void wipe(void* bytes, std::size_t size) { sodium_memzero(bytes, size); }

}  // namespace arctic
