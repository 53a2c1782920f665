// ChaCha20-Poly1305 for messages of a packet's size, by Intel's multi-buffer library.
//
// With AVX-512 it takes half of libcrypto's time there; without, or on long messages, nothing is
// gained. Same nonces and results as Sealer and Opener, one piece of memory per thread instead of a
// context per key. Called on every datagram; never allocates after it is made, never picks
// counters.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/crypto/secret.h"
#include "schema/base/bytes.h"

struct IMB_MGR;

namespace arctic {

struct FreeMultiBuffer {
  void operator()(IMB_MGR* manager) const;
};

/// For one thread at a time.
class MultiBuffer {
 public:
  /// Null if this build is without the library, or its own test of itself failed.
  [[nodiscard]] static std::unique_ptr<MultiBuffer> make();
  /// The calling thread's own, where it is the faster one: with AVX-512, and if it agreed with
  /// libcrypto when the process first asked. Null elsewhere: take Sealer and Opener.
  [[nodiscard]] static MultiBuffer* of_thread();
  /// Whether threads of this process get one.
  [[nodiscard]] static bool is_used();

  /// Encrypts `text` in place and writes its tag behind `tag`. REQUIRES: kTagBytes bytes at `tag`;
  /// a counter never used with this key before.
  void seal(const Key& key, std::uint64_t counter, ByteSpan text, std::uint8_t* tag);
  /// Decrypts `text` in place; false if the tag does not fit, and then `text` is worthless.
  [[nodiscard]] bool open(const Key& key, std::uint64_t counter, ByteSpan text,
                          const std::uint8_t* tag);

  [[nodiscard]] bool has_avx512() const;

 private:
  explicit MultiBuffer(IMB_MGR* manager) : manager_(manager) {}
  void run(const Key& key, std::uint64_t counter, ByteSpan text, std::uint8_t* tag, bool seal);

  std::unique_ptr<IMB_MGR, FreeMultiBuffer> manager_;
};

}  // namespace arctic
