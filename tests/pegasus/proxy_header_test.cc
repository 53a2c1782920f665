// The PROXY protocol's header, byte by byte as its description draws it.
#include "runtime/pegasus/proxy_header.h"

#include <catch2/catch.hpp>
#include <vector>

namespace arctic::test {
namespace {

std::vector<std::uint8_t> header(const SocketAddress& source, const SocketAddress& destination) {
  const ProxyHeader made = proxy_header(source, destination);
  return {made.view().begin(), made.view().end()};
}

}  // namespace

TEST_CASE("TCP over IPv4") {
  CHECK(header({*parse_address("192.0.2.1"), 0x0401}, {*parse_address("198.51.100.254"), 443}) ==
        std::vector<std::uint8_t>{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51,
                                  0x55, 0x49, 0x54, 0x0a,                         // signature
                                  0x21, 0x11, 0x00, 0x0c,                         // 12 follow
                                  192,  0,    2,    1,    198,  51,   100,  254,  //
                                  0x04, 0x01, 0x01, 0xbb});
}

TEST_CASE("TCP over IPv6") {
  CHECK(
      header({*parse_address("2001:db8::1"), 65535}, {*parse_address("fd00:1:2:3::ff"), 1}) ==
      std::vector<std::uint8_t>{
          0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,  // signature
          0x21, 0x21, 0x00, 0x24,                                                  // 36 follow
          0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 1,     //
          0xfd, 0x00, 0,    1,    0,    2,    0,    3,    0,    0,    0,    0,    0, 0, 0, 0xff,  //
          0xff, 0xff, 0x00, 0x01});
}

}  // namespace arctic::test
