// Frames: encode and parse are inverses, and hostile bodies are nothing.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "runtime/pegasus/frame.h"

namespace arctic::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Address address(const char* text) { return *parse_address(text); }

Bytes encoded(const OpenFrame& frame) {
  Bytes body(kMaxOpenBytes);
  body.resize(encode_open(frame, body.data()));
  return body;
}

}  // namespace

TEST_CASE("OPEN reads as it was written") {
  const std::string longest(63, 'x');
  for (const char* service : {"a", "svc-dls6fki3arm", longest.c_str()}) {
    for (const auto& [source, destination] :
         {std::pair("10.1.2.3", "192.168.0.2"), std::pair("fd10::2", "2001:db8::1"),
          std::pair("::ffff:10.0.0.1", "::1")}) {
      const OpenFrame frame{address(source), 1025, address(destination), 443, service};
      const Bytes body = encoded(frame);
      CHECK(good_size(1, body.size()));
      const auto parsed = parse_open(body);
      REQUIRE(parsed);
      CHECK(parsed->source == frame.source);
      CHECK(parsed->source_port == 1025);
      CHECK(parsed->destination == frame.destination);
      CHECK(parsed->destination_port == 443);
      CHECK(parsed->service == service);
    }
  }
}

TEST_CASE("OPEN as the wire has it") {
  const Bytes body = encoded({address("10.1.2.3"), 0x1234, address("192.168.0.2"), 80, "ab"});
  CHECK(body == Bytes{4, 10, 1, 2, 3, 0x12, 0x34, 192, 168, 0, 2, 0, 80, 'a', 'b'});
}

TEST_CASE("a body that is no OPEN") {
  const Bytes good = encoded({address("10.1.2.3"), 1, address("192.168.0.2"), 80, "ab"});
  for (std::size_t size = 0; size < good.size() - 1; ++size) {
    INFO("size " << size);
    CHECK_FALSE(parse_open(ByteView(good).first(size)));
  }
  for (const int family : {0, 1, 5, 7, 255}) {
    Bytes other = good;
    other[0] = static_cast<std::uint8_t>(family);
    CHECK_FALSE(parse_open(other));
  }
  Bytes as_ipv6 = good;
  as_ipv6[0] = 6;
  CHECK_FALSE(parse_open(as_ipv6));
  for (const char bad : {'A', '_', '/', '.', ' ', '\n', '\0', '\x7f', '\xff'}) {
    Bytes other = good;
    other.back() = static_cast<std::uint8_t>(bad);
    CHECK_FALSE(parse_open(other));
  }
  Bytes too_long = good;
  too_long.insert(too_long.end(), 62, 'a');
  CHECK_FALSE(parse_open(too_long));
}

TEST_CASE("REFUSED reads as it was written") {
  for (int reason = 0; reason < 8; ++reason) {
    const Bytes body{static_cast<std::uint8_t>(reason), 0x01, 0x6f};
    const auto parsed = parse_refused(body);
    REQUIRE(parsed.has_value() == (reason >= 1 && reason <= 4));
    if (!parsed) continue;
    CHECK(parsed->error == 0x16f);
    const auto written = encode_refused(*parsed);
    CHECK(Bytes(written.begin(), written.end()) == body);
  }
  CHECK_FALSE(parse_refused(Bytes{1, 0}));
  CHECK_FALSE(parse_refused(Bytes{1, 0, 0, 0}));
}

}  // namespace arctic::test
