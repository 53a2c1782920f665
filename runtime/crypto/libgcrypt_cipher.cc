#include <gcrypt.h>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/keyed_cipher.h"
#include "runtime/crypto/libcrypto.h"

namespace arctic {
namespace {

bool begin_library() {
  if (gcry_check_version(GCRYPT_VERSION) == nullptr) return false;
  // Its pool of locked pages is of no use to us: contexts of keys lie on the ordinary heap, and are
  // wiped when they are closed.
  return gcry_control(GCRYCTL_DISABLE_SECMEM, 0) == 0 &&
         gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) == 0;
}

struct CloseHandle {
  void operator()(gcry_cipher_hd_t handle) const { gcry_cipher_close(handle); }
};
using Handle = std::unique_ptr<gcry_cipher_handle, CloseHandle>;

class LibgcryptCipher : public KeyedCipher {
 public:
  explicit LibgcryptCipher(Handle handle) : handle_(std::move(handle)) {}

  void seal(std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag) override {
    begin(counter, associated);
    if (!text.empty()) {
      must(gcry_cipher_encrypt(handle_.get(), text.data(), text.size(), nullptr, 0) == 0);
    }
    must(gcry_cipher_gettag(handle_.get(), tag, kTagBytes) == 0);
  }

  bool open(std::uint64_t counter, ByteView associated, ByteSpan text,
            const std::uint8_t* tag) override {
    begin(counter, associated);
    if (!text.empty()) {
      must(gcry_cipher_decrypt(handle_.get(), text.data(), text.size(), nullptr, 0) == 0);
    }
    return gcry_cipher_checktag(handle_.get(), tag, kTagBytes) == 0;  // in constant time
  }

 private:
  void begin(std::uint64_t counter, ByteView associated) {
    const AeadNonce nonce = aead_nonce(counter);
    must(gcry_cipher_setiv(handle_.get(), nonce.data(), nonce.size()) == 0);
    if (!associated.empty()) {
      must(gcry_cipher_authenticate(handle_.get(), associated.data(), associated.size()) == 0);
    }
    must(gcry_cipher_final(handle_.get()) == 0);
  }

  Handle handle_;
};

}  // namespace

std::unique_ptr<KeyedCipher> make_libgcrypt_cipher(const Key& key, Direction) {
  static const bool kBegun = begin_library();
  if (!kBegun) return nullptr;
  gcry_cipher_hd_t opened = nullptr;
  if (gcry_cipher_open(&opened, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 0) != 0) {
    return nullptr;
  }
  Handle handle(opened);
  if (gcry_cipher_setkey(opened, key.view().data(), key.view().size()) != 0) return nullptr;
  return std::make_unique<LibgcryptCipher>(std::move(handle));
}

}  // namespace arctic
