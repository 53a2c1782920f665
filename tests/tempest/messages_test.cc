// What datagrams are taken for.
#include "runtime/tempest/messages.h"

#include <catch2/catch.hpp>
#include <vector>

namespace arctic::test {

TEST_CASE("a message is known by its type and its size, and by nothing less") {
  struct Kind {
    MessageType type;
    std::size_t size;
    bool exact;
  };
  for (const Kind& kind :
       {Kind{MessageType::kInitiation, 148, true}, Kind{MessageType::kResponse, 92, true},
        Kind{MessageType::kCookieReply, 64, true}, Kind{MessageType::kData, 32, false}}) {
    for (std::size_t size = 0; size < 2000; ++size) {
      std::vector<std::uint8_t> bytes(size);
      if (size > 0) bytes[0] = static_cast<std::uint8_t>(kind.type);
      const bool good = kind.exact ? size == kind.size : size >= kind.size;
      REQUIRE(message_type(bytes) == (good ? std::optional(kind.type) : std::nullopt));
      for (std::size_t i = 1; good && i < 4; ++i) {
        bytes[i] = 1;
        REQUIRE_FALSE(message_type(bytes));
        bytes[i] = 0;
      }
    }
  }
  for (const int type : {0, 5, 255}) {
    std::vector<std::uint8_t> bytes(148, 0);
    bytes[0] = static_cast<std::uint8_t>(type);
    CHECK_FALSE(message_type(bytes));
  }
}

TEST_CASE("numbers are little-endian") {
  std::uint8_t bytes[16];
  data::put_head(0x04030201U, 0x0807060504030201U, bytes);
  const std::uint8_t wanted[16] = {4, 0, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(std::equal(std::begin(bytes), std::end(bytes), std::begin(wanted)));
  CHECK(number32(bytes + 4) == 0x04030201U);
  CHECK(number64(bytes + 8) == 0x0807060504030201U);
}

}  // namespace arctic::test
