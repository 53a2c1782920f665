#include "runtime/crypto/aead.h"

#include <openssl/evp.h>

#include <array>

#include "runtime/crypto/libcrypto.h"

namespace arctic {
namespace {

constexpr std::size_t kNonceBytes = 12;

const EVP_CIPHER* algorithm() {
  static EVP_CIPHER* const kAlgorithm = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  must(kAlgorithm != nullptr);
  return kAlgorithm;
}

EVP_CIPHER_CTX* make_context(const Key& key, bool seal) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  must(context != nullptr);
  must(EVP_CipherInit_ex2(context, algorithm(), key.view().data(), nullptr, seal ? 1 : 0,
                          nullptr) == 1);
  return context;
}

/// Only the nonce: setting cipher or key again would cost as much as a short packet.
void set_nonce(EVP_CIPHER_CTX* context, std::uint64_t counter) {
  std::array<std::uint8_t, kNonceBytes> nonce{};
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  }
  must(EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), -1, nullptr) == 1);
}

void run(EVP_CIPHER_CTX* context, ByteView associated, ByteSpan text) {
  int size = 0;
  if (!associated.empty()) {
    must(EVP_CipherUpdate(context, nullptr, &size, associated.data(),
                          static_cast<int>(associated.size())) == 1);
  }
  if (!text.empty()) {
    must(EVP_CipherUpdate(context, text.data(), &size, text.data(),
                          static_cast<int>(text.size())) == 1);
  }
}

}  // namespace

void FreeCipher::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }

Sealer::Sealer(const Key& key) : context_(make_context(key, true)) {}

void Sealer::seal(std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag) {
  EVP_CIPHER_CTX* const context = context_.get();
  set_nonce(context, counter);
  run(context, associated, text);
  int size = 0;
  std::uint8_t nothing = 0;
  must(EVP_CipherFinal_ex(context, &nothing, &size) == 1);
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1);
}

Opener::Opener(const Key& key) : context_(make_context(key, false)) {}

bool Opener::open(std::uint64_t counter, ByteView associated, ByteSpan text,
                  const std::uint8_t* tag) {
  EVP_CIPHER_CTX* const context = context_.get();
  set_nonce(context, counter);
  std::array<std::uint8_t, kTagBytes> expected;
  for (std::size_t i = 0; i < kTagBytes; ++i) expected[i] = tag[i];
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, expected.data()) == 1);
  run(context, associated, text);
  int size = 0;
  std::uint8_t nothing = 0;
  return EVP_CipherFinal_ex(context, &nothing, &size) == 1;
}

}  // namespace arctic
