// Addresses, prefixes and public keys as text and as numbers.
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "schema/base/address.h"
#include "schema/base/key.h"

namespace arctic {
namespace {

TEST_CASE("parse_address takes what the standards write, and nothing else") {
  struct Row {
    const char* text;
    const char* printed;  // nullptr: refused
  };
  const Row rows[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"10.0.0.1", "10.0.0.1"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"", nullptr},
      {"10.0.0", nullptr},
      {"10.0.0.0.0", nullptr},
      {"256.0.0.0", nullptr},
      {"010.0.0.1", nullptr},
      {"0x0a.0.0.1", nullptr},
      {" 10.0.0.1", nullptr},
      {"10.0.0.1 ", nullptr},
      {"1::2::3", nullptr},
      {"12345::", nullptr},
      {"fe80::1%eth0", nullptr},
      {"[::1]", nullptr},
      {"localhost", nullptr},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto address = parse_address(row.text);
    REQUIRE(address.has_value() == (row.printed != nullptr));
    if (address) CHECK(address->to_string() == row.printed);
  }
  CHECK_FALSE(parse_address(std::string("10.0.0.1\0", 9)));
  CHECK_FALSE(parse_address(std::string(100'000, '1')));
}

TEST_CASE("parse_host_prefix and parse_prefix") {
  struct Row {
    const char* text;
    const char* host;     // nullptr: refused
    const char* network;  // nullptr: host bits, or refused
  };
  const Row rows[] = {
      {"10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8"},
      {"10.0.0.9/24", "10.0.0.9/24", nullptr},
      {"10.0.0.9", "10.0.0.9/32", "10.0.0.9/32"},
      {"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0"},
      {"1.0.0.0/0", "1.0.0.0/0", nullptr},
      {"::/0", "::/0", "::/0"},
      {"fd00::1", "fd00::1/128", "fd00::1/128"},
      {"fd00::1/127", "fd00::1/127", nullptr},
      {"10.0.0.0/33", nullptr, nullptr},
      {"::/129", nullptr, nullptr},
      {"::/0128", nullptr, nullptr},
      {"10.0.0.0/08", nullptr, nullptr},
      {"10.0.0.0/", nullptr, nullptr},
      {"10.0.0.0/+8", nullptr, nullptr},
      {"10.0.0.0/-1", nullptr, nullptr},
      {"10.0.0.0/8/8", nullptr, nullptr},
      {"/8", nullptr, nullptr},
      {"10.0.0.0/255.0.0.0", nullptr, nullptr},
      {"10.0.0.0/99999999999999999999", nullptr, nullptr},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto host = parse_host_prefix(row.text);
    const auto network = parse_prefix(row.text);
    REQUIRE(host.has_value() == (row.host != nullptr));
    REQUIRE(network.has_value() == (row.network != nullptr));
    if (host) CHECK(host->to_string() == row.host);
    if (network) CHECK(network->to_string() == row.network);
  }
}

TEST_CASE("prefixes: print and parse are inverse, and the ends are where they belong") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const Family family = kFamilies[random() % 2];
    const int length =
        static_cast<int>(random() % (static_cast<unsigned>(address_bits(family)) + 1));
    const U128 bits = ((U128{random()} << 64) | random()) & max_address(family);
    const Prefix prefix = network_of({family, bits}, length);
    INFO(prefix.to_string());
    REQUIRE(parse_prefix(prefix.to_string()) == prefix);
    REQUIRE(prefix.contains(Address{family, bits}));
    REQUIRE(prefix.contains(Address{family, prefix.first()}));
    REQUIRE(prefix.contains(Address{family, prefix.last()}));
    if (prefix.first() > 0) REQUIRE_FALSE(prefix.contains(Address{family, prefix.first() - 1}));
    if (prefix.last() < max_address(family)) {
      REQUIRE_FALSE(prefix.contains(Address{family, prefix.last() + 1}));
    }
    const Address address{family, bits};
    const auto raw = address.bytes();
    REQUIRE(address_from_bytes(family, raw.data()) == address);
    REQUIRE(parse_address(address.to_string()) == address);
  }
}

TEST_CASE("prefixes contain and overlap only within their family") {
  const Prefix wide = *parse_prefix("10.0.0.0/8");
  const Prefix narrow = *parse_prefix("10.1.0.0/16");
  const Prefix other = *parse_prefix("11.0.0.0/8");
  const Prefix v6 = *parse_prefix("::/0");
  CHECK(wide.contains(narrow));
  CHECK(wide.contains(wide));
  CHECK_FALSE(narrow.contains(wide));
  CHECK(narrow.overlaps(wide));
  CHECK_FALSE(wide.overlaps(other));
  CHECK_FALSE(v6.contains(wide));
  CHECK_FALSE(any_prefix(Family::kIpv4).contains(v6));
}

TEST_CASE("public keys: canonical base64 of 32 bytes, and nothing else") {
  const std::string good = "lAFKWDQSjgXpXhfxVAJY5oMiDPPceGstPHN6s69IoVw=";
  REQUIRE(parse_public_key(good));
  CHECK(parse_public_key(good)->to_string() == good);
  for (const std::string& bad :
       {good.substr(0, 43), good + "=", good.substr(0, 42) + "==", good.substr(0, 42) + "x=",
        good.substr(0, 20) + "-" + good.substr(21), " " + good, std::string(),
        good.substr(0, 43) + "A"}) {
    INFO(bad);
    CHECK_FALSE(parse_public_key(bad));
  }
  std::mt19937 random(11);
  for (int i = 0; i < 1000; ++i) {
    PublicKey key;
    for (auto& byte : key.bytes) byte = static_cast<std::uint8_t>(random());
    REQUIRE(parse_public_key(key.to_string()) == key);
    REQUIRE_FALSE(is_low_order(key));
  }
}

TEST_CASE("low-order points, by the list of RFC 7748's authors") {
  // 0, 1, two of order 8, p-1, p, p+1; little-endian, and the first bit of the last byte is free.
  const char* points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  for (const char* point : points) {
    PublicKey key;
    for (std::size_t i = 0; i < 32; ++i) {
      key.bytes[i] =
          static_cast<std::uint8_t>(std::stoi(std::string(point + 2 * i, 2), nullptr, 16));
    }
    INFO(point);
    CHECK(is_low_order(key));
    key.bytes[31] |= 0x80;
    CHECK(is_low_order(key));
  }
}

}  // namespace
}  // namespace arctic
