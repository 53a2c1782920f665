#include "runtime/crypto/xchacha.h"

#include <sodium.h>

namespace arctic {

void xchacha_seal(ByteView key, ByteView nonce, ByteView associated, ByteView text,
                  std::uint8_t* out) {
  crypto_aead_xchacha20poly1305_ietf_encrypt(out, nullptr, text.data(), text.size(),
                                             associated.data(), associated.size(), nullptr,
                                             nonce.data(), key.data());
}

bool xchacha_open(ByteView key, ByteView nonce, ByteView associated, ByteView sealed,
                  ByteSpan out) {
  return crypto_aead_xchacha20poly1305_ietf_decrypt(
             out.data(), nullptr, nullptr, sealed.data(), sealed.size(), associated.data(),
             associated.size(), nonce.data(), key.data()) == 0;
}

}  // namespace arctic
