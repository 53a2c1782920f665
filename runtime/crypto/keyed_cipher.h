// ChaCha20-Poly1305 for one key and one direction, by one library. For this folder alone: Sealer
// and Opener pick the library.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/crypto/secret.h"
#include "schema/base/bytes.h"

namespace arctic {

enum class Direction { kSeal, kOpen };

/// As Sealer and Opener say. REQUIRES: seal() of one made to seal, open() of one made to open.
class KeyedCipher {
 public:
  virtual ~KeyedCipher() = default;
  virtual void seal(std::uint64_t counter, ByteView associated, ByteSpan text,
                    std::uint8_t* tag) = 0;
  [[nodiscard]] virtual bool open(std::uint64_t counter, ByteView associated, ByteSpan text,
                                  const std::uint8_t* tag) = 0;

 protected:
  KeyedCipher() = default;
  KeyedCipher(const KeyedCipher&) = delete;
  KeyedCipher& operator=(const KeyedCipher&) = delete;
};

[[nodiscard]] std::unique_ptr<KeyedCipher> make_libcrypto_cipher(const Key& key,
                                                                 Direction direction);
/// Null where the library does without this cipher: in FIPS mode.
[[nodiscard]] std::unique_ptr<KeyedCipher> make_libgcrypt_cipher(const Key& key,
                                                                 Direction direction);

/// One way to seal and open with `key`, for agrees_with_libcrypto().
struct AeadTrial {
  const Key& key;
  std::function<void(std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag)>
      seal;
  std::function<bool(std::uint64_t counter, ByteView associated, ByteSpan text,
                     const std::uint8_t* tag)>
      open;
};

/// Whether each takes what the other sealed, to the bit, and a wrong tag is refused: at sizes
/// around every step of their loops, and of records. `associated_bytes`: the most that it is tried
/// with.
[[nodiscard]] bool agrees_with_libcrypto(const AeadTrial& trial, std::size_t associated_bytes);

}  // namespace arctic
