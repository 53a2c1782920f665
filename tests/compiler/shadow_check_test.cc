// What the user reads about the order of routes: rules 13 to 17, with places.
#include <catch2/catch.hpp>

#include "compiler/load.h"
#include "tests/compiler/problems.h"

namespace arctic {
namespace {

using test::Problems;
using test::problems_of;

/// Services a, b, c, … from syd to lon, one list of routes each.
std::string file(const std::vector<std::vector<std::string>>& services) {
  std::string text = test::two_peers();
  char name = 'a';
  for (const auto& routes : services) {
    text += std::string("  - {name: ") + name++ +
            ", source_peer: syd, target_peer: lon, transport_type: tcp, routes: [\n";
    for (const std::string& route : routes) text += "      {" + route + "},\n";
    text += "    ]}\n";
  }
  return text;
}

struct Row {
  const char* what;
  std::vector<std::vector<std::string>> services;
  Problems expected;
};

TEST_CASE("problems of the order are reported once, at their place") {
  const Row rows[] = {
      {"13: same match and priority in two services",
       {{"priority: 1, source_cidr: 10.0.0.0/8"}, {"priority: 1, source_cidr: 10.0.0.0/8"}},
       {"error 13 at `1`: routes[0] of a has the same match (10.0.0.0/8 to any) and the same "
        "priority: which of the two wins is undefined"}},
      {"13: three of them",
       {{"priority: 1, dest_cidr: 10.0.0.0/8"},
        {"priority: 1, dest_cidr: 10.0.0.0/8"},
        {"priority: 1, dest_cidr: 10.0.0.0/8"}},
       {"error 13 at `1`: routes[0] of a has the same match (any to 10.0.0.0/8) and the same "
        "priority: which of the two wins is undefined",
        "error 13 at `1`: routes[0] of a has the same match (any to 10.0.0.0/8) and the same "
        "priority: which of the two wins is undefined"}},
      {"13 is of one service no error, but 14",
       {{"priority: 1, source_cidr: 10.0.0.0/8", "priority: 1, source_cidr: 10.0.0.0/8"}},
       {"warning 14 at `1`: this route never wins: routes[0] of a has the same match (10.0.0.0/8 "
        "to any) and comes first"}},
      {"14: lower priority",
       {{"priority: 1, source_cidr: fd00::/8, dest_cidr: fd01::/16"},
        {"priority: 2, source_cidr: fd00::/8, dest_cidr: fd01::/16"}},
       {"warning 14 at `1`: this route never wins: routes[0] of b has the same match (fd00::/8 to "
        "fd01::/16) and the higher priority 2"}},
      {"14: covered by one",
       {{"priority: 1, source_cidr: fd00::/8"},
        {"priority: 1, source_cidr: fd00::/8, dest_cidr: '::/1'",
         "priority: 1, source_cidr: f800::/5, dest_cidr: '::/0'"}},
       {"warning 14 at `fd00::/8`: this route never wins: routes[1] of b (f800::/5 to ::/0) comes "
        "first and takes all its traffic"}},
      {"14: covered by two halves",
       {{"priority: 9, source_cidr: 10.0.0.0/8"},
        {"priority: 1, source_cidr: 10.0.0.0/9", "priority: 1, source_cidr: 10.128.0.0/9"}},
       {"warning 14 at `10.0.0.0/8`: this route never wins: routes that come first take all "
        "its traffic, routes[0] of b (10.0.0.0/9 to any) among them"}},
      {"15: priority does not beat a longer source",
       {{"priority: 200, source_cidr: 10.0.0.0/8, dest_cidr: 192.168.0.0/16"},
        {"priority: 100, source_cidr: 10.1.0.0/16, dest_cidr: 192.168.100.0/24"}},
       {"warning 15 at `200`: `priority: 200` does not lift this route (10.0.0.0/8 to "
        "192.168.0.0/16) above routes[0] of b (10.1.0.0/16 to 192.168.100.0/24, `priority: 100`): "
        "where both match, the longer `source_cidr` wins"}},
      {"15: nor a longer destination",
       {{"priority: 200, dest_cidr: 192.168.0.0/16"}, {"priority: 0, dest_cidr: 192.168.1.0/24"}},
       {"warning 15 at `200`: `priority: 200` does not lift this route (any to 192.168.0.0/16) "
        "above routes[0] of b (any to 192.168.1.0/24, `priority: 0`): where both match, the longer "
        "`dest_cidr` wins"}},
      {"15: nor a pair",
       {{"priority: 200, dest_cidr: 172.20.0.0/16"},
        {"priority: 0, source_cidr: 10.0.0.0/8, dest_cidr: 172.0.0.0/8"}},
       {"warning 15 at `200`: `priority: 200` does not lift this route (any to 172.20.0.0/16) "
        "above routes[0] of b (10.0.0.0/8 to 172.0.0.0/8, `priority: 0`): where both match, a "
        "route with `source_cidr` and `dest_cidr` comes before one with only one of them"}},
      {"15: nor a source, where the destination is not narrower",
       {{"priority: 200, dest_cidr: 172.0.0.0/8"}, {"priority: 0, source_cidr: 10.0.0.0/8"}},
       {"warning 15 at `200`: `priority: 200` does not lift this route (any to 172.0.0.0/8) above "
        "routes[0] of b (10.0.0.0/8 to any, `priority: 0`): where both match, a route with "
        "`source_cidr` comes before one without"}},
      {"15: not within one service, not where they do not meet, not across families",
       {{"priority: 200, source_cidr: 10.0.0.0/8", "priority: 100, source_cidr: 10.1.0.0/16",
         "priority: 200, source_cidr: fd00::/8"},
        {"priority: 100, source_cidr: 11.1.0.0/16"}},
       {}},
      {"16: a source hides a narrower destination",
       {{"priority: 1, source_cidr: 10.0.0.0/8"}, {"priority: 9, dest_cidr: 203.0.113.0/24"}},
       {"warning 16 at `10.0.0.0/8`: for these sources this route hides routes[0] of b (any to "
        "203.0.113.0/24): a route with `source_cidr` comes before one without, however narrow its "
        "`dest_cidr`"}},
      {"16: not of its own service, nor of the other family",
       {{"priority: 1, source_cidr: 10.0.0.0/8", "priority: 9, dest_cidr: 203.0.113.0/24"},
        {"priority: 9, dest_cidr: fd00::/64"}},
       {}},
      {"16: the longest of another service",
       {{"priority: 1, source_cidr: fd00::/16", "priority: 1, dest_cidr: fd01::1/128"},
        {"priority: 1, dest_cidr: fd01::/32"},
        {"priority: 1, dest_cidr: fd01::/48"}},
       {"warning 16 at `fd00::/16`: for these sources this route hides routes[0] of c (any to "
        "fd01::/48): a route with `source_cidr` comes before one without, however narrow its "
        "`dest_cidr`"}},
      {"16: /0 is a source",
       {{"priority: 1, source_cidr: 0.0.0.0/0, dest_cidr: 192.168.0.0/16"},
        {"priority: 1, source_cidr: '::/0'"}},
       {"warning 16 at `0.0.0.0/0`: `0.0.0.0/0` is a source like any other: this route comes "
        "before all that have no `source_cidr`, however narrow their `dest_cidr`",
        "warning 16 at `'::/0'`: `::/0` is a source like any other: this route comes before all "
        "that have no `source_cidr`, however narrow their `dest_cidr`"}},
      {"17: a destination with a peer in it",
       {{"priority: 1, source_cidr: 10.0.0.0/8, dest_cidr: 198.51.100.0/24",
         "priority: 1, dest_cidr: 198.51.100.20", "priority: 1, dest_cidr: 198.51.100.21",
         "priority: 1, dest_cidr: 0.0.0.0/0", "priority: 1, dest_cidr: '::/0'"}},
       {"warning 17 at `198.51.100.0/24`: this destination contains 198.51.100.20, the address of "
        "peer lon",
        "warning 17 at `198.51.100.20`: this destination contains 198.51.100.20, the address of "
        "peer lon",
        "warning 17 at `0.0.0.0/0`: this destination contains 192.0.2.10, the address of peer "
        "syd"}},
      {"the manual's example has no problem",
       {{"priority: 100, source_cidr: 10.0.0.0/8, dest_cidr: 192.168.0.0/16"},
        {"priority: 200, source_cidr: 10.1.0.0/16, dest_cidr: 192.168.100.0/24"},
        {"priority: 100, dest_cidr: 172.16.0.0/12"}},
       {}}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(problems_of(file(row.services)) == row.expected);
  }
}

TEST_CASE("plans of different source peers do not meet") {
  std::string text = file({{"priority: 1, source_cidr: 10.0.0.0/8"}});
  text +=
      "  - {name: back, source_peer: lon, target_peer: syd, transport_type: tcp, routes: [\n"
      "      {priority: 1, source_cidr: 10.0.0.0/8}]}\n";
  CHECK(problems_of(text).empty());
}

TEST_CASE("what is wrong already is not compared") {
  std::string text = file({{"priority: 1, source_cidr: 10.0.0.0/8"}});
  text +=
      "  - {name: z, source_peer: nowhere, target_peer: lon, transport_type: tcp, routes: [\n"
      "      {priority: 1, source_cidr: 10.0.0.0/8}]}\n"
      "  - {name: x, source_peer: syd, target_peer: nowhere, transport_type: tcp, routes: [\n"
      "      {priority: 1, source_cidr: 10.0.0.0/8}]}\n"
      "  - {name: a, source_peer: syd, target_peer: lon, transport_type: tcp, routes: [\n"
      "      {priority: 1, source_cidr: 10.0.0.0/8}]}\n"
      "  - {name: y, source_peer: syd, target_peer: lon, transport_type: tcp, routes: [\n"
      "      {priority: x, source_cidr: 10.0.0.0/8}, {priority: 1, source_cidr: ::/0,\n"
      "      dest_cidr: 10.0.0.0/8}, {priority: 1}, {source_cidr: 10.0.0.0/8}]}\n";
  const Problems all = problems_of(text, 1, 20);
  CHECK(all.size() >= 6);
  CHECK(problems_of(text).empty());
}

}  // namespace
}  // namespace arctic
