// Flattening: by hand, and against a twin that asks every address.
#include "compiler/intervals.h"

#include <catch2/catch.hpp>

#include "tests/compiler/config_builder.h"
#include "tests/compiler/random_config.h"

namespace arctic {
namespace {

using test::prefix;

/// The longest prefix that contains the address, the first of equal ones.
std::optional<std::size_t> winner_at(const std::vector<Prefix>& prefixes, const Address& address) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    if (!prefixes[i].contains(address)) continue;
    if (!best || prefixes[i].length > prefixes[*best].length) best = i;
  }
  return best;
}

std::optional<std::size_t> interval_at(const std::vector<Interval>& intervals, U128 address) {
  for (const Interval& interval : intervals) {
    if (address >= interval.first && address <= interval.last) return interval.winner;
  }
  return std::nullopt;
}

std::string text(Family family, const std::vector<Interval>& intervals) {
  std::string out;
  for (const Interval& interval : intervals) {
    out += Address{family, interval.first}.to_string() + "-" +
           Address{family, interval.last}.to_string() + "=" + std::to_string(interval.winner) + " ";
  }
  return out;
}

void check_shape(const std::vector<Prefix>& prefixes, const std::vector<Interval>& intervals) {
  if (prefixes.empty()) {
    CHECK(intervals.empty());
    return;
  }
  CHECK(intervals.size() <= 2 * prefixes.size() - 1);
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    REQUIRE(intervals[i].first <= intervals[i].last);
    if (i == 0) continue;
    REQUIRE(intervals[i - 1].last < intervals[i].first);
    const bool touch = intervals[i - 1].last + 1 == intervals[i].first;
    REQUIRE_FALSE((touch && intervals[i - 1].winner == intervals[i].winner));
  }
}

TEST_CASE("nested prefixes are cut into disjoint intervals") {
  struct Row {
    std::vector<const char*> prefixes;
    const char* intervals;
  };
  const Row rows[] = {
      {{}, ""},
      {{"10.0.0.0/8"}, "10.0.0.0-10.255.255.255=0 "},
      {{"192.168.0.0/16", "192.168.100.0/24"},
       "192.168.0.0-192.168.99.255=0 192.168.100.0-192.168.100.255=1 "
       "192.168.101.0-192.168.255.255=0 "},
      {{"10.0.0.0/9", "10.0.0.0/8"}, "10.0.0.0-10.127.255.255=0 10.128.0.0-10.255.255.255=1 "},
      {{"10.0.0.0/8", "10.0.0.0/8"}, "10.0.0.0-10.255.255.255=0 "},
      {{"10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9"},
       "10.0.0.0-10.127.255.255=1 10.128.0.0-10.255.255.255=2 "},
      {{"0.0.0.0/0", "255.255.255.255/32", "0.0.0.0/32"},
       "0.0.0.0-0.0.0.0=2 0.0.0.1-255.255.255.254=0 255.255.255.255-255.255.255.255=1 "},
      {{"10.0.0.0/8", "10.255.0.0/16", "10.255.255.0/24", "11.0.0.0/8"},
       "10.0.0.0-10.254.255.255=0 10.255.0.0-10.255.254.255=1 10.255.255.0-10.255.255.255=2 "
       "11.0.0.0-11.255.255.255=3 "},
      {{"::/0", "::/1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
       "::-7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff=1 "
       "8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe=0 "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff=2 "},
      {{"2001:db8::/32", "2001:db8::/48"},
       "2001:db8::-2001:db8:0:ffff:ffff:ffff:ffff:ffff=1 "
       "2001:db8:1::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff=0 "}};
  for (const Row& row : rows) {
    std::vector<Prefix> prefixes;
    for (const char* one : row.prefixes) prefixes.push_back(prefix(one));
    const auto intervals = flatten(prefixes);
    const Family family = prefixes.empty() ? Family::kIpv4 : prefixes[0].family;
    CHECK(text(family, intervals) == row.intervals);
    check_shape(prefixes, intervals);
  }
}

TEST_CASE("in a small universe every address has the winner that the definition gives it") {
  test::Random random(1);
  for (int run = 0; run < 4000; ++run) {
    const Family family = kFamilies[run % 2];
    std::vector<Prefix> prefixes(test::below(random, 12));
    for (Prefix& one : prefixes) one = test::tiny_prefix(random, family, 4);
    const auto intervals = flatten(prefixes);
    check_shape(prefixes, intervals);
    for (int cell = 0; cell < 16; ++cell) {
      const U128 bits = U128{static_cast<unsigned>(cell)} << (address_bits(family) - 4);
      REQUIRE(interval_at(intervals, bits) == winner_at(prefixes, {family, bits}));
    }
  }
}

TEST_CASE("at the edges of prefixes of any length the winners are right") {
  test::Random random(2);
  for (int run = 0; run < 400; ++run) {
    const Family family = kFamilies[run % 2];
    std::vector<Prefix> prefixes(test::below(random, 40));
    for (Prefix& one : prefixes) one = test::nested_prefix(random, family);
    const auto intervals = flatten(prefixes);
    check_shape(prefixes, intervals);
    for (const Prefix& one : prefixes) {
      for (const U128 edge : {one.first() - 1, one.first(), one.last(), one.last() + 1}) {
        const U128 bits = edge & max_address(family);
        REQUIRE(interval_at(intervals, bits) == winner_at(prefixes, {family, bits}));
      }
    }
  }
}

TEST_CASE("the bound of 2n-1 intervals is reached") {
  for (const Family family : kFamilies) {
    std::vector<Prefix> prefixes;
    // Each begins and ends strictly inside the one before, so every one but the last is cut in two.
    const U128 middle = max_address(family) / 3;
    for (int length = 0; length < address_bits(family); length += 2) {
      prefixes.push_back(network_of({family, middle}, length));
    }
    CHECK(flatten(prefixes).size() == 2 * prefixes.size() - 1);
  }
}

}  // namespace
}  // namespace arctic
