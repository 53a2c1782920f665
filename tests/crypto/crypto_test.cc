// The primitives against published values and against another implementation.
#include <sodium.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/blake2s.h"
#include "runtime/crypto/keyed_cipher.h"
#include "runtime/crypto/multi_buffer.h"
#include "runtime/crypto/noise.h"
#include "runtime/crypto/xchacha.h"
#include "tests/support/hex.h"

namespace arctic::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes counting(std::uint8_t first, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

}  // namespace

TEST_CASE("BLAKE2s of the RFC's example") {
  // RFC 7693, appendix B.
  CHECK(hex(blake2s({bytes_of("abc")})) ==
        "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  CHECK(hex(blake2s({bytes_of("a"), {}, bytes_of("bc")})) == hex(blake2s({bytes_of("abc")})));
}

TEST_CASE("ChaCha20-Poly1305 of either library is libsodium's, both ways") {
  const auto make = GENERATE(&make_libcrypto_cipher, &make_libgcrypt_cipher);
  std::mt19937_64 random(1);
  REQUIRE(sodium_init() >= 0);
  for (const std::size_t size : {0U, 1U, 15U, 16U, 63U, 64U, 65U, 1420U, 16384U, 65518U}) {
    const Key key(counting(static_cast<std::uint8_t>(size), 32));
    const std::uint64_t counter = random();
    const Bytes associated = counting(7, size % 40);
    Bytes text(size);
    for (auto& byte : text) byte = static_cast<std::uint8_t>(random());

    std::array<std::uint8_t, 12> nonce{};
    for (std::size_t i = 0; i < 8; ++i) {
      nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
    }
    Bytes expected(size + kTagBytes);
    crypto_aead_chacha20poly1305_ietf_encrypt(expected.data(), nullptr, text.data(), size,
                                              associated.data(), associated.size(), nullptr,
                                              nonce.data(), key.view().data());
    Bytes sealed = text;
    sealed.resize(size + kTagBytes);
    const auto sealer = make(key, Direction::kSeal);
    REQUIRE(sealer);
    sealer->seal(counter, associated, ByteSpan(sealed).first(size), sealed.data() + size);
    INFO("size " << size);
    CHECK(sealed == expected);

    const auto opener = make(key, Direction::kOpen);
    REQUIRE(opener);
    Bytes opened(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(opener->open(counter, associated, opened, sealed.data() + size));
    CHECK(opened == text);
    Bytes again(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(opener->open(counter + 1, associated, again, sealed.data() + size));
    Bytes tag(sealed.end() - kTagBytes, sealed.end());
    tag[3] ^= 4;
    Bytes third(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(opener->open(counter, associated, third, tag.data()));
    // A failure leaves nothing behind.
    Bytes last(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(opener->open(counter, associated, last, sealed.data() + size));
    CHECK(last == text);
  }
}

TEST_CASE("a library that is wrong anywhere does not agree with libcrypto") {
  const Key key(counting(1, 32));
  const auto sealer = make_libgcrypt_cipher(key, Direction::kSeal);
  const auto opener = make_libgcrypt_cipher(key, Direction::kOpen);
  REQUIRE(sealer);
  REQUIRE(opener);
  enum class Fault { kNone, kText, kTag, kAssociated, kOpened, kTakesAll, kTakesNothing };
  const auto agrees = [&](Fault fault, std::size_t at) {
    const auto seal = [&](std::uint64_t counter, ByteView associated, ByteSpan text,
                          std::uint8_t* tag) {
      const bool wrong = text.size() == at;
      sealer->seal(counter, wrong && fault == Fault::kAssociated ? ByteView() : associated, text,
                   tag);
      if (wrong && fault == Fault::kText) text.back() ^= 1;
      if (wrong && fault == Fault::kTag) tag[15] ^= 0x80;
    };
    const auto open = [&](std::uint64_t counter, ByteView associated, ByteSpan text,
                          const std::uint8_t* tag) {
      const bool wrong = text.size() == at;
      const bool good = opener->open(counter, associated, text, tag);
      if (wrong && fault == Fault::kOpened) text.front() ^= 1;
      if (wrong && fault == Fault::kTakesAll) return true;
      return good && !(wrong && fault == Fault::kTakesNothing);
    };
    return agrees_with_libcrypto({key, seal, open}, 40);
  };
  CHECK(agrees(Fault::kNone, 0));
  for (const std::size_t at : {1U, 64U, 599U, 1027U, 16384U}) {
    INFO("size " << at);
    for (const Fault fault : {Fault::kText, Fault::kTag, Fault::kAssociated, Fault::kOpened,
                              Fault::kTakesAll, Fault::kTakesNothing}) {
      INFO("fault " << static_cast<int>(fault));
      CHECK_FALSE(agrees(fault, at));
    }
  }
}

TEST_CASE("the library is the one for this processor") {
#ifdef __x86_64__
  const bool expected = __builtin_cpu_supports("avx2") && !__builtin_cpu_supports("avx512f");
#else
  const bool expected = false;
#endif
  CHECK(aead_library() == std::string(expected ? "libgcrypt" : "libcrypto"));
}

#ifdef __x86_64__
TEST_CASE(
    "the multi-buffer library's ChaCha20-Poly1305 is libcrypto's, on every size of a packet") {
  const auto fast = MultiBuffer::make();
  REQUIRE(fast);  // libipsec-mb-dev is there when this is built
  std::mt19937_64 random(2);
  for (std::size_t size = 0; size <= 1500; ++size) {
    const Key key(counting(static_cast<std::uint8_t>(size), 32));
    const std::uint64_t counter = random();
    Bytes text(size + kTagBytes);
    for (auto& byte : text) byte = static_cast<std::uint8_t>(random());
    Bytes sealed = text;
    fast->seal(key, counter, ByteSpan(sealed).first(size), sealed.data() + size);
    Bytes expected = text;
    Sealer(key).seal(counter, {}, ByteSpan(expected).first(size), expected.data() + size);
    INFO("size " << size);
    REQUIRE(sealed == expected);

    Bytes forged = sealed;
    forged[random() % forged.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
    CHECK_FALSE(fast->open(key, counter, ByteSpan(forged).first(size), forged.data() + size));
    forged = sealed;
    CHECK_FALSE(fast->open(key, counter + 1, ByteSpan(forged).first(size), forged.data() + size));
    REQUIRE(fast->open(key, counter, ByteSpan(sealed).first(size), sealed.data() + size));
    CHECK(
        std::equal(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), sealed.begin()));
  }
}
#endif

TEST_CASE("ChaCha20-Poly1305 of the RFC's example") {
  // RFC 8439, appendix A.5: the one whose nonce begins with four zero bytes.
  const std::string text =
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
      "replaced, or obsoleted by other documents at any time. It is inappropriate to use "
      "Internet-Drafts as reference material or to cite them other than as "
      "/\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
  const Key key(unhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"));
  const std::uint64_t counter = 0x0807060504030201;
  const Bytes associated = unhex("f33388860000000000004e91");
  const std::string sealed =
      "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d"
      "26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1"
      "ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b"
      "5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea"
      "1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d36"
      "1094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b";
  Bytes bytes(text.begin(), text.end());
  std::uint8_t tag[kTagBytes];
  Sealer(key).seal(counter, associated, bytes, tag);
  CHECK(hex(bytes) == sealed);
  CHECK(hex(tag) == "eead9d67890cbb22392336fea1851f38");
  REQUIRE(Opener(key).open(counter, associated, bytes, tag));
  CHECK(std::string(bytes.begin(), bytes.end()) == text);
}

TEST_CASE("XChaCha20-Poly1305 of the draft's example, and nothing else opens") {
  // draft-irtf-cfrg-xchacha-03, A.3.1.
  const std::string text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  const Bytes key = counting(0x80, 32);
  const Bytes nonce = counting(0x40, kXchachaNonceBytes);
  const Bytes associated = unhex("50515253c0c1c2c3c4c5c6c7");
  Bytes sealed(text.size() + kTagBytes);
  xchacha_seal(key, nonce, associated, bytes_of(text), sealed.data());
  CHECK(
      hex(sealed) ==
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda"
      "7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b23835"
      "65d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
  Bytes opened(text.size());
  REQUIRE(xchacha_open(key, nonce, associated, sealed, opened));
  CHECK(std::string(opened.begin(), opened.end()) == text);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes bad = sealed;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    REQUIRE_FALSE(xchacha_open(key, nonce, associated, bad, opened));
  }
}

TEST_CASE("X25519 of the RFC's exchange; points of low order give nothing") {
  // RFC 7748, 6.1.
  const auto key = [](const char* text) {
    Bytes out(32);
    sodium_hex2bin(out.data(), 32, text, 64, nullptr, nullptr, nullptr);
    return out;
  };
  const KeyPair bob =
      KeyPair::of(key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  CHECK(hex(bob.point.bytes) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  PublicKey alice;
  const Bytes point = key("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  std::copy(point.begin(), point.end(), alice.bytes.begin());
  const auto shared = x25519(bob.secret, alice);
  REQUIRE(shared);
  CHECK(hex(shared->view()) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  for (const std::uint8_t low : {std::uint8_t{0}, std::uint8_t{1}}) {
    PublicKey nothing;
    nothing.bytes[0] = low;
    CHECK_FALSE(x25519(bob.secret, nothing));
  }
}

TEST_CASE("both ends of both handshakes agree, payloads included") {
  const KeyPair initiator = KeyPair::generate();
  const KeyPair responder = KeyPair::generate();
  const Key psk(counting(3, 32));
  for (const Key* const each : {static_cast<const Key*>(nullptr), &psk}) {
    const NoiseHandshake::Options options{bytes_of("prologue"), each};
    auto one = NoiseHandshake::initiator(options, initiator, responder.point);
    auto two = NoiseHandshake::responder(options, responder);
    const auto first = one.create_first(bytes_of("hello"));
    REQUIRE(first);
    CHECK(first->size() == 96 + 5);
    const auto heard = two.consume_first(*first);
    REQUIRE(heard);
    CHECK(std::string(heard->begin(), heard->end()) == "hello");
    CHECK(two.remote() == initiator.point);
    const auto second = two.create_second(bytes_of("you"));
    REQUIRE(second);
    CHECK(second->size() == 48 + 3);
    const auto answer = one.consume_second(*second);
    REQUIRE(answer);
    CHECK(std::string(answer->begin(), answer->end()) == "you");
    Key a1, a2, b1, b2;
    one.split(a1, a2);
    two.split(b1, b2);
    CHECK(hex(a1.view()) == hex(b1.view()));
    CHECK(hex(a2.view()) == hex(b2.view()));
    CHECK(hex(a1.view()) != hex(a2.view()));
    CHECK(hex(one.hash()) == hex(two.hash()));
  }
}

}  // namespace arctic::test
