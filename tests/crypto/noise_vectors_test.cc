// The Noise handshakes against vectors that other implementations publish (cacophony's, which snow
// and others use too): every message, and the transport messages after it. The handshake hash is of
// an independent calculation that gives the published messages: the hashes that are published with
// them do not follow from the messages by the specification.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/noise.h"
#include "tests/support/hex.h"

namespace arctic::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Message {
  const char* payload;
  const char* ciphertext;
};

struct Vector {
  const char* name;
  const char* psk;  ///< nullptr: IK
  const char* handshake_hash;
  Message messages[6];  ///< two of the handshake, then by turns from initiator and responder
};

// The same in both.
constexpr const char* kPrologue = "4a6f686e2047616c74";
constexpr const char* kInitStatic =
    "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
constexpr const char* kInitEphemeral =
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
constexpr const char* kRespStatic =
    "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
constexpr const char* kRespPoint =
    "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
constexpr const char* kRespEphemeral =
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";

const Vector kVectors[] = {
    {"Noise_IK_25519_ChaChaPoly_BLAKE2s",
     nullptr,
     "48f3cb8bc9319da4ba1e9933991b1c4ed4034f1f126a76d3a1fbcfd7f94248d4",
     {{"4c756477696720766f6e204d69736573",
       "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
       "0b03ddc7aac5123d06a1b23b71670e32e76c28239a7ca4ac8f784de7e44c1adb"
       "fc6e83fef7352a58d9d56157400c0a737b1d171ce368229c7b752ac25b8faf4e"
       "ca690f6d896f543be02c996ab2b86b76"},
      {"4d757272617920526f746862617264",
       "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
       "d9b5a8927f0ac9655ef76833bc7e5561f42e691ac8404efd6fbd6308b6a27c"},
      {"462e20412e20486179656b", "2c256ed08fcd08c2980f954ee4beaccb61c9581340f5dd2fd1cf3b"},
      {"4361726c204d656e676572", "d6033f70eee20945c7c9dba304e397ee3b284ff5e00fd9efb095d3"},
      {"4a65616e2d426170746973746520536179",
       "a9c068ca5d8babf72560652d8e851adbfac35c8a66e810d560863173e96adf4cfe"},
      {"457567656e2042f6686d20766f6e2042617765726b",
       "2a09d8f459e5927e40fdd2eddc99bdafb04e13a26f145cb5cfe9e6ba34c94331ebc17d5156"}}},
    {"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
     "54686973206973206d7920417573747269616e20706572737065637469766521",
     "f5191b875290abcd41347ac3622d9679688a7e980229cb937ef748336cfde0e5",
     {{"4c756477696720766f6e204d69736573",
       "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
       "001e21de9f98ddd8e2ad57527207feb56253c9c94a9e496782ecfcb2a75fbcaf"
       "1b52948cc48daefe660c62119ab5000980c84831215f2441eba616548e832985"
       "464cf17e51ee93109008399a21f7e13f"},
      {"4d757272617920526f746862617264",
       "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
       "cb765f2caef0751b8f007572dab0322217755c0632f365717edbf34d33e87a"},
      {"462e20412e20486179656b", "8153ca9833bc3c1b91a7e66e5f4d4f5b59bf9e64c2f20d15f0bba7"},
      {"4361726c204d656e676572", "07af0c9c86e1b4e80f36b04ff7688d51141af3debd0332f0a705ef"},
      {"4a65616e2d426170746973746520536179",
       "6ab1467c0448cc78394494abaaf23afce0e234315d6e2624dcbfa8a21c1c4d073d"},
      {"457567656e2042f6686d20766f6e2042617765726b",
       "dfc346c0d2296ae6cf1acf6f12b8456a1dba228cf8d8b774aacf1c47fc53aa80ebc7a4c292"}}},
};

std::string sealed(Sealer& sealer, std::uint64_t counter, const char* payload) {
  Bytes text = unhex(payload);
  const std::size_t size = text.size();
  text.resize(size + kTagBytes);
  sealer.seal(counter, {}, ByteSpan(text).first(size), text.data() + size);
  return hex(text);
}

}  // namespace

TEST_CASE("the published vectors of both handshakes, byte for byte") {
  for (const Vector& vector : kVectors) {
    INFO(vector.name);
    const Bytes prologue = unhex(kPrologue);
    std::optional<Key> psk;
    if (vector.psk != nullptr) psk.emplace(unhex(vector.psk));
    const NoiseHandshake::Options options{prologue, psk ? &*psk : nullptr};
    const KeyPair initiator = KeyPair::of(unhex(kInitStatic));
    const KeyPair responder = KeyPair::of(unhex(kRespStatic));
    REQUIRE(hex(responder.point.bytes) == kRespPoint);
    auto one = NoiseHandshake::initiator(options, initiator, responder.point,
                                         KeyPair::of(unhex(kInitEphemeral)));
    auto two = NoiseHandshake::responder(options, responder, KeyPair::of(unhex(kRespEphemeral)));

    const auto first = one.create_first(unhex(vector.messages[0].payload));
    REQUIRE(first);
    CHECK(hex(*first) == vector.messages[0].ciphertext);
    const auto heard = two.consume_first(unhex(vector.messages[0].ciphertext));
    REQUIRE(heard);
    CHECK(hex(*heard) == vector.messages[0].payload);
    CHECK(two.remote() == initiator.point);

    const auto second = two.create_second(unhex(vector.messages[1].payload));
    REQUIRE(second);
    CHECK(hex(*second) == vector.messages[1].ciphertext);
    const auto answer = one.consume_second(unhex(vector.messages[1].ciphertext));
    REQUIRE(answer);
    CHECK(hex(*answer) == vector.messages[1].payload);

    CHECK(hex(one.hash()) == vector.handshake_hash);
    CHECK(hex(two.hash()) == vector.handshake_hash);

    Key to_responder, to_initiator;
    one.split(to_responder, to_initiator);
    Sealer from_initiator(to_responder), from_responder(to_initiator);
    for (std::uint64_t i = 0; i < 2; ++i) {
      const Message& asked = vector.messages[2 + 2 * i];
      const Message& answered = vector.messages[3 + 2 * i];
      CHECK(sealed(from_initiator, i, asked.payload) == asked.ciphertext);
      CHECK(sealed(from_responder, i, answered.payload) == answered.ciphertext);
    }
  }
}

}  // namespace arctic::test
