// Where peers were last: what is written reads the same, and what is broken is refused with its
// place.
#include <catch2/catch.hpp>

#include "schema/artifact/peer_places.h"

namespace arctic {

TEST_CASE("places of peers read as they were written") {
  PeerPlaces places;
  PublicKey key;
  for (std::uint8_t i = 1; i < 4; ++i) {
    key.bytes.fill(i);
    places[key] = {{i == 1 ? "192.0.2.1" : "2001:db8::1", i}, std::nullopt};
    if (i == 3) places[key].declared = Endpoint{"lon.example", 51840};
  }
  for (const PeerPlaces& each : {places, PeerPlaces{}}) {
    const auto decoded = decode_peer_places(encode(each));
    REQUIRE(decoded);
    CHECK(*decoded == each);
  }
  const std::string text = encode(places);
  // What follows the last brace is a newline.
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    CHECK_FALSE(decode_peer_places(text.substr(0, size)));
  }
}

TEST_CASE("places of peers: what is none names its place") {
  const std::string key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
  const auto where = [](const std::string& text) {
    const auto decoded = decode_peer_places(text);
    return decoded ? "fine" : decoded.error().where;
  };
  const auto of = [&](const std::string& place) {
    return R"({"format_version":1,"peers":{")" + key + "\":" + place + "}}";
  };
  CHECK(where(of(R"({"endpoint":"192.0.2.1:1","declared":null})")) == "fine");
  CHECK(where(of(R"({"endpoint":"lon.example:1","declared":null})")) ==
        "/peers/" + key + "/endpoint");
  CHECK(where(of(R"({"endpoint":"192.0.2.1","declared":null})")) == "/peers/" + key + "/endpoint");
  CHECK(where(of(R"({"endpoint":"192.0.2.1:1","declared":7})")) == "/peers/" + key + "/declared");
  CHECK(where(of(R"({"endpoint":"192.0.2.1:1"})")) == "/peers/" + key + "/declared");
  CHECK(where(R"({"format_version":1,"peers":{"x":{}}})") == "/peers/x");
  CHECK(where(R"({"format_version":2,"peers":{}})") == "/format_version");
  CHECK(where(R"({"format_version":1,"peers":[]})") == "/peers");
}

}  // namespace arctic
