// Checksums against a twin that adds word by word, for every size, place and way of adding.
#include "runtime/tempest/checksum.h"

#include <catch2/catch.hpp>

#include "tests/tempest/packets.h"

namespace arctic::test {
namespace {

std::uint16_t sum_of(ByteView bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.partial();
}

}  // namespace

TEST_CASE("the example of RFC 1071, 3") {
  const Bytes bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  Checksum sum;
  sum.add(bytes);
  CHECK(sum.partial() == 0xddf2);
  CHECK(sum.finished() == 0x220d);
}

TEST_CASE("any size at any place is summed as the twin does, and copied whole") {
  std::mt19937_64 random(7);
  for (std::size_t size = 0; size < 300; ++size) {
    for (std::size_t place = 0; place < 17; ++place) {
      // Exactly as large, so that a byte too many is seen.
      Bytes bytes = some_bytes(place + size, random());
      const ByteView view = ByteView(bytes).subspan(place);
      INFO("size " << size << ", place " << place);
      REQUIRE(sum_of(view) == naive_sum(view));
      Bytes copy(place + size);
      Checksum sum;
      sum.add_copied(view, copy.data() + place);
      REQUIRE(sum.partial() == naive_sum(view));
      REQUIRE(
          std::equal(view.begin(), view.end(), copy.begin() + static_cast<std::ptrdiff_t>(place)));
    }
  }
}

TEST_CASE("random sizes up to the largest packet") {
  std::mt19937_64 random(8);
  for (int round = 0; round < 300; ++round) {
    const Bytes bytes = some_bytes(random() % 65600, random());
    INFO("size " << bytes.size());
    REQUIRE(sum_of(bytes) == naive_sum(bytes));
  }
}

TEST_CASE("no sum overflows, and zero has its one form") {
  // The size at which 32 bits are full, and more than twice that.
  for (const std::size_t size : {65535U, 65536U, 1U << 19, 1U << 20, (1U << 22) + 3}) {
    const Bytes ones(size, 0xff);
    INFO("size " << size);
    CHECK(sum_of(ones) == naive_sum(ones));
    CHECK(sum_of(Bytes(size)) == 0);
  }
  CHECK(sum_of({}) == 0);
}

TEST_CASE("parts of even size add up to the whole") {
  std::mt19937_64 random(9);
  for (int round = 0; round < 2000; ++round) {
    const Bytes bytes = some_bytes(random() % 2000, random());
    Checksum sum;
    ByteView rest = bytes;
    while (rest.size() > 1) {
      const std::size_t part = std::min(rest.size() / 2 * 2, 2 * (1 + random() % 200));
      sum.add(rest.first(part));
      rest = rest.subspan(part);
    }
    sum.add(rest);
    REQUIRE(sum.partial() == naive_sum(bytes));
  }
}

TEST_CASE("a number adds as its two bytes do, and can be taken away") {
  std::mt19937_64 random(10);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes = some_bytes(40, random());
    const auto number = static_cast<std::uint16_t>(random());
    Checksum sum;
    sum.add(bytes);
    const std::uint16_t before = sum.partial();
    sum.add16(number);
    append16(number, bytes);
    REQUIRE(sum.partial() == naive_sum(bytes));
    sum.subtract16(number);
    REQUIRE(sum.partial() == before);
  }
}

TEST_CASE("the pseudo-headers of both families") {
  for (const Packet& packet : one_of_each(100)) {
    INFO(name_of(packet));
    const Bytes addresses = addresses_of(packet);
    Checksum sum;
    sum.add_pseudo_header(addresses, packet.protocol(), packet.tcp ? 120 : 108);
    CHECK(sum.partial() == pseudo_sum(packet));
    const Bytes whole = encode(packet);
    const std::size_t at = packet.checksum_at();
    Bytes transport(whole.begin() + static_cast<std::ptrdiff_t>(packet.ip_bytes()), whole.end());
    Checksum check = sum;
    check.add(transport);
    CHECK(check.right());
    for (std::size_t bit = 0; bit < 8 * transport.size(); ++bit) {
      transport[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      Checksum wrong = sum;
      wrong.add(transport);
      REQUIRE_FALSE(wrong.right());
      transport[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
    write16(0, transport.data() + at - packet.ip_bytes());
    sum.add(transport);
    CHECK(sum.finished() == read16(whole.data() + at));
  }
}

TEST_CASE("a checksum that comes out as zero") {
  Checksum sum;
  sum.add(Bytes{0xff, 0x00, 0x00, 0xff});
  CHECK(sum.finished() == 0);
  CHECK(sum.finished_nonzero() == 0xffff);
  sum.add16(1);
  CHECK(sum.finished() == 0xfffe);
  CHECK(sum.finished_nonzero() == 0xfffe);
}

}  // namespace arctic::test
