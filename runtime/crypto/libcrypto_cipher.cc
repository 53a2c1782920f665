#include <openssl/evp.h>

#include <array>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/keyed_cipher.h"
#include "runtime/crypto/libcrypto.h"

namespace arctic {
namespace {

const EVP_CIPHER* algorithm() {
  static EVP_CIPHER* const kAlgorithm = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  must(kAlgorithm != nullptr);
  return kAlgorithm;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

class LibcryptoCipher : public KeyedCipher {
 public:
  LibcryptoCipher(const Key& key, Direction direction) : context_(EVP_CIPHER_CTX_new()) {
    must(context_ != nullptr);
    must(EVP_CipherInit_ex2(context_.get(), algorithm(), key.view().data(), nullptr,
                            direction == Direction::kSeal ? 1 : 0, nullptr) == 1);
  }

  void seal(std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag) override {
    set_nonce(counter);
    run(associated, text);
    must(finish());
    must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1);
  }

  bool open(std::uint64_t counter, ByteView associated, ByteSpan text,
            const std::uint8_t* tag) override {
    set_nonce(counter);
    std::array<std::uint8_t, kTagBytes> expected;
    for (std::size_t i = 0; i < kTagBytes; ++i) expected[i] = tag[i];
    must(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, expected.data()) ==
         1);
    run(associated, text);
    return finish();
  }

 private:
  /// Only the nonce: setting cipher or key again would cost as much as a short packet.
  void set_nonce(std::uint64_t counter) {
    const AeadNonce nonce = aead_nonce(counter);
    must(EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce.data(), -1, nullptr) == 1);
  }

  void run(ByteView associated, ByteSpan text) {
    int size = 0;
    if (!associated.empty()) {
      must(EVP_CipherUpdate(context_.get(), nullptr, &size, associated.data(),
                            static_cast<int>(associated.size())) == 1);
    }
    if (!text.empty()) {
      must(EVP_CipherUpdate(context_.get(), text.data(), &size, text.data(),
                            static_cast<int>(text.size())) == 1);
    }
  }

  bool finish() {
    int size = 0;
    std::uint8_t nothing = 0;
    return EVP_CipherFinal_ex(context_.get(), &nothing, &size) == 1;
  }

  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context_;
};

}  // namespace

std::unique_ptr<KeyedCipher> make_libcrypto_cipher(const Key& key, Direction direction) {
  return std::make_unique<LibcryptoCipher>(key, direction);
}

}  // namespace arctic
