#include "runtime/crypto/aead.h"

#include <cstring>
#include <vector>

#include "runtime/crypto/keyed_cipher.h"

namespace arctic {
namespace {

bool has_only_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && !__builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

bool libgcrypt_agrees() {
  const Key key(std::array<std::uint8_t, 32>{0x61, 0x72, 0x63, 0x74, 0x69, 0x63, 0x80, 0xff});
  const auto sealer = make_libgcrypt_cipher(key, Direction::kSeal);
  const auto opener = make_libgcrypt_cipher(key, Direction::kOpen);
  if (!sealer || !opener) return false;
  constexpr std::size_t kMostAssociated = 40;
  return agrees_with_libcrypto(
      {key,
       [&](std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag) {
         sealer->seal(counter, associated, text, tag);
       },
       [&](std::uint64_t counter, ByteView associated, ByteSpan text, const std::uint8_t* tag) {
         return opener->open(counter, associated, text, tag);
       }},
      kMostAssociated);
}

bool takes_libgcrypt() {
  static const bool kTakes = has_only_avx2() && libgcrypt_agrees();
  return kTakes;
}

std::unique_ptr<KeyedCipher> make_cipher(const Key& key, Direction direction) {
  if (takes_libgcrypt()) {
    // Null only without memory for it: then libcrypto has none either, and says so.
    if (auto made = make_libgcrypt_cipher(key, direction)) return made;
  }
  return make_libcrypto_cipher(key, direction);
}

}  // namespace

AeadNonce aead_nonce(std::uint64_t counter) {
  AeadNonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return nonce;
}

const char* aead_library() { return takes_libgcrypt() ? "libgcrypt" : "libcrypto"; }

bool agrees_with_libcrypto(const AeadTrial& trial, std::size_t associated_bytes) {
  constexpr std::size_t kEach = 600;         // of a loop's steps: every size
  constexpr std::size_t kMostPacket = 2100;  // then some, up to a packet's
  constexpr std::size_t kRecord = 16384;
  std::vector<std::size_t> sizes;
  for (std::size_t n = 0; n <= kMostPacket; n += n < kEach ? 1 : 61) sizes.push_back(n);
  for (const std::size_t n : {kRecord - 1, kRecord, kRecord + 17}) sizes.push_back(n);

  const auto sealer = make_libcrypto_cipher(trial.key, Direction::kSeal);
  const auto opener = make_libcrypto_cipher(trial.key, Direction::kOpen);
  std::vector<std::uint8_t> associated(associated_bytes, 0x5a);
  std::array<std::uint8_t, kTagBytes> tag;
  std::array<std::uint8_t, kTagBytes> copied_tag;
  for (const std::size_t size : sizes) {
    std::vector<std::uint8_t> text(size);
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::uint8_t>(i * 7 + size);
    const std::vector<std::uint8_t> plain = text;
    std::vector<std::uint8_t> copy = text;
    const ByteView beside = ByteView(associated).first(size % (associated_bytes + 1));
    const std::uint64_t counter = std::uint64_t{0x0102030405060708} * (size + 1);
    trial.seal(counter, beside, text, tag.data());
    sealer->seal(counter, beside, copy, copied_tag.data());
    if (text != copy || tag != copied_tag) return false;
    if (!trial.open(counter, beside, text, tag.data()) || text != plain) return false;
    if (!opener->open(counter, beside, copy, tag.data()) || copy != plain) return false;
    tag[size % kTagBytes] ^= 1;
    if (trial.open(counter, beside, text, tag.data())) return false;
  }
  return true;
}

Sealer::Sealer(const Key& key) : cipher_(make_cipher(key, Direction::kSeal)) {}
Sealer::~Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;

void Sealer::seal(std::uint64_t counter, ByteView associated, ByteSpan text, std::uint8_t* tag) {
  cipher_->seal(counter, associated, text, tag);
}

Opener::Opener(const Key& key) : cipher_(make_cipher(key, Direction::kOpen)) {}
Opener::~Opener() = default;
Opener::Opener(Opener&&) noexcept = default;
Opener& Opener::operator=(Opener&&) noexcept = default;

bool Opener::open(std::uint64_t counter, ByteView associated, ByteSpan text,
                  const std::uint8_t* tag) {
  return cipher_->open(counter, associated, text, tag);
}

}  // namespace arctic
