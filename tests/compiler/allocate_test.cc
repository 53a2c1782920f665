// Names and numbers against values computed elsewhere (Python's hashlib and base64), and collisions
// that were found by search.
#include "compiler/allocate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "schema/base/hash.h"
#include "tests/compiler/config_builder.h"

namespace arctic {
namespace {

using Names = std::vector<std::string>;

std::uint16_t natural(std::string_view kind, std::string_view name) {
  return static_cast<std::uint16_t>(1 + leading_number(name_hash(kind, name)) % kNumberRange);
}

/// The first `count` names that begin with `stem`, have a number behind it and the value wanted.
Names names_with(std::string_view kind, const std::string& stem, std::uint16_t value,
                 std::size_t count) {
  Names found;
  for (int i = 0; found.size() < count; ++i) {
    const std::string name = stem + std::to_string(i);
    if (natural(kind, name) == value) found.push_back(name);
  }
  return found;
}

TEST_CASE("a service's ID, interface and number hang on its name") {
  struct Row {
    std::string name;
    const char* id;
    std::uint16_t number;
  };
  const Row rows[] = {{"a", "svc-22isj7fyioe", 3965},
                      {"syd-to-lon", "svc-xpwgu2i4mib", 1903},
                      {"lon-to-syd", "svc-n7f7rpzpqjd", 3091},
                      {"web.prod_01", "svc-f4kewgzrrt3", 2917},
                      {std::string(63, 'x'), "svc-pcohyxut7mc", 2742},
                      {"0", "svc-iaptb2djin7", 3994}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Service service;
    service.name.value = row.name;
    CHECK(service_id(service) == row.id);
    CHECK(macvlan_name(service) == row.id);
    CHECK(service_id(service).size() == 15);
    CHECK(allocate_numbers("port", {row.name}).at(row.name) == row.number);
  }
}

TEST_CASE("an explicit id is taken as it is") {
  struct Row {
    const char* id;
    const char* interface;
  };
  const Row rows[] = {{"svc-xyz", "svc-xyz"},
                      {"X", "X"},
                      {"exactly-fifteen", "exactly-fifteen"},
                      {"one-more-than-15", "one-more-than-1"},
                      {"site_a-backup-link-through-lon", "site_a-backup-l"}};
  for (const Row& row : rows) {
    Service service;
    service.name.value = "any";
    service.id = Located<std::string>{row.id, {}};
    CHECK(service_id(service) == row.id);
    CHECK(macvlan_name(service) == row.interface);
  }
}

TEST_CASE("a peer's number and tunnel device hang on its name") {
  struct Row {
    std::string name;
    std::uint16_t number;
    std::string device;
  };
  const Row rows[] = {{"a", 3450, "tp-a"},
                      {"syd", 1562, "tp-syd"},
                      {"lon", 1822, "tp-lon"},
                      {"twelve-chars", 1671, "tp-twelve-chars"},
                      {"thirteen-char", 2059, "tp-u2y2v27ffqpw"},
                      {"frankfurt-am-main-1", 961, "tp-p2wyizymbfnk"},
                      {std::string(63, 'p'), 1315, "tp-p2tmpex4tdvc"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(allocate_numbers("peer", {row.name}).at(row.name) == row.number);
    CHECK(tunnel_device(row.name) == row.device);
    CHECK(tunnel_device(row.name).size() <= 15);
  }
}

TEST_CASE("the fixed numbers are those of the table") {
  CHECK(kTproxyPortBase + 1 == 20001);
  CHECK(kTproxyPortBase + kNumberRange == 24000);
  CHECK(kLocalTable == 52000);
  CHECK(kPeerTableBase == 52000);
  CHECK(kRouteProtocol == 172);
}

TEST_CASE("marks sit in 13 bits at the shift") {
  struct Row {
    int shift;
    std::uint32_t mask, peer1, peer4000, service1, service4000, forwarded, own, transparent, local;
  };
  const Row rows[] = {{16, 0x1fff0000, 0x00010000, 0x0fa00000, 0x10010000, 0x1fa00000, 0x0ff10000,
                       0x0ff30000, 0x1ffe0000, 0x1fff0000},
                      {0, 0x00001fff, 0x00000001, 0x00000fa0, 0x00001001, 0x00001fa0, 0x00000ff1,
                       0x00000ff3, 0x00001ffe, 0x00001fff},
                      {19, 0xfff80000, 0x00080000, 0x7d000000, 0x80080000, 0xfd000000, 0x7f880000,
                       0x7f980000, 0xfff00000, 0xfff80000}};
  for (const Row& row : rows) {
    CAPTURE(row.shift);
    const Marks marks{row.shift};
    CHECK(marks.mask() == row.mask);
    CHECK(marks.peer(1) == row.peer1);
    CHECK(marks.peer(4000) == row.peer4000);
    CHECK(marks.first_peer() == row.peer1);
    CHECK(marks.last_peer() == row.peer4000);
    CHECK(marks.service(1) == row.service1);
    CHECK(marks.service(4000) == row.service4000);
    CHECK(marks.forwarded() == row.forwarded);
    CHECK(marks.own() == row.own);
    CHECK(marks.transparent() == row.transparent);
    CHECK(marks.local() == row.local);
    for (const std::uint32_t mark :
         {marks.service(1), marks.service(4000), marks.transparent(), marks.local()}) {
      CHECK((mark & marks.captured_bit()) != 0);
    }
    for (const std::uint32_t mark :
         {marks.peer(1), marks.peer(4000), marks.forwarded(), marks.own()}) {
      CHECK((mark & marks.captured_bit()) == 0);
    }
  }
}

TEST_CASE("names whose hashes meet take the next free number in byte order") {
  // site-8, site-855 and site-1831 are all 593; found by search.
  REQUIRE(natural("peer", "site-8") == 593);
  REQUIRE(natural("peer", "site-855") == 593);
  REQUIRE(natural("peer", "site-1831") == 593);
  Names names = {"site-8", "site-855", "site-1831"};
  std::sort(names.begin(), names.end());
  do {
    const auto numbers = allocate_numbers("peer", names);
    CHECK(numbers.size() == 3);
    CHECK(numbers.at("site-1831") == 593);
    CHECK(numbers.at("site-8") == 594);
    CHECK(numbers.at("site-855") == 595);
  } while (std::next_permutation(names.begin(), names.end()));
  CHECK(allocate_numbers("peer", {"site-8", "site-855"}).at("site-855") == 594);
  CHECK(allocate_numbers("peer", {"site-855", "site-855"}).size() == 1);
}

TEST_CASE("a name whose hash meets no other keeps its number beside displaced ones") {
  const Names neighbour = names_with("peer", "next-", 594, 1);
  const auto numbers =
      allocate_numbers("peer", {"site-855", "site-8", neighbour[0], "site-1831", "syd"});
  CHECK(numbers.at(neighbour[0]) == 594);
  CHECK(numbers.at("site-1831") == 593);
  CHECK(numbers.at("site-8") == 595);
  CHECK(numbers.at("site-855") == 596);
  CHECK(numbers.at("syd") == 1562);
}

TEST_CASE("after 4000 comes 1") {
  struct Row {
    const char* kind;
    Names at_4000;
    const char* at_1;
  };
  const Row rows[] = {{"peer", {"end-14552", "end-420", "end-8163"}, "start-3481"},
                      {"port", {"end-1630", "end-5286", "end-731"}, "start-2746"}};
  for (const Row& row : rows) {
    Names names = row.at_4000;
    for (const std::string& name : names) REQUIRE(natural(row.kind, name) == 4000);
    REQUIRE(natural(row.kind, row.at_1) == 1);
    const auto alone = allocate_numbers(row.kind, names);
    CHECK(alone.at(names[0]) == 4000);
    CHECK(alone.at(names[1]) == 1);
    CHECK(alone.at(names[2]) == 2);
    names.emplace_back(row.at_1);
    const auto beside = allocate_numbers(row.kind, names);
    CHECK(beside.at(row.at_1) == 1);
    CHECK(beside.at(names[1]) == 2);
    CHECK(beside.at(names[2]) == 3);
  }
}

TEST_CASE("a full house has every number once, in any order of names") {
  Names names;
  for (std::uint32_t i = 0; i < kNumberRange; ++i) names.push_back("n" + std::to_string(i));
  const auto numbers = allocate_numbers("port", names);
  std::set<std::uint16_t> values;
  for (const auto& [name, number] : numbers) values.insert(number);
  CHECK(values.size() == kNumberRange);
  CHECK(*values.begin() == 1);
  CHECK(*values.rbegin() == kNumberRange);
  std::reverse(names.begin(), names.end());
  CHECK(allocate_numbers("port", names) == numbers);
}

TEST_CASE("service numbers are told apart on one source peer only") {
  REQUIRE(natural("port", "svc-6") == natural("port", "svc-730"));
  test::ConfigBuilder one;
  one.service("svc-730");
  one.service("svc-6");
  const Numbers together = allocate(one.config);
  CHECK(together.services.at("svc-6") == 1067);
  CHECK(together.services.at("svc-730") == 1068);
  CHECK(together.peers.at("syd") == 1562);
  CHECK(together.peers.at("lon") == 1822);

  one.config.services[0].source_peer.value = "par";
  const Numbers apart = allocate(one.config);
  CHECK(apart.services.at("svc-6") == 1067);
  CHECK(apart.services.at("svc-730") == 1067);

  std::reverse(one.config.services.begin(), one.config.services.end());
  std::reverse(one.config.peers.begin(), one.config.peers.end());
  const Numbers reversed = allocate(one.config);
  CHECK(reversed.services == apart.services);
  CHECK(reversed.peers == apart.peers);
}

}  // namespace
}  // namespace arctic
