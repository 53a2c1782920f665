// The primitives against published values and against another implementation.
#include <sodium.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/blake2s.h"
#include "runtime/crypto/noise.h"
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

TEST_CASE("ChaCha20-Poly1305 is the other implementation's, both ways") {
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
    Sealer sealer(key);
    sealer.seal(counter, associated, ByteSpan(sealed).first(size), sealed.data() + size);
    INFO("size " << size);
    CHECK(sealed == expected);

    Opener opener(key);
    Bytes opened(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(opener.open(counter, associated, opened, sealed.data() + size));
    CHECK(opened == text);
    Bytes again(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(opener.open(counter + 1, associated, again, sealed.data() + size));
    Bytes tag(sealed.end() - kTagBytes, sealed.end());
    tag[3] ^= 4;
    Bytes third(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(opener.open(counter, associated, third, tag.data()));
    // A failure leaves nothing behind.
    Bytes last(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(opener.open(counter, associated, last, sealed.data() + size));
    CHECK(last == text);
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
