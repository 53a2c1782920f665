// The order of rules: every comparison of the key by itself, and the product's own example.
#include "compiler/order.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/compiler/config_builder.h"
#include "tests/compiler/random_config.h"

namespace arctic {
namespace {

using test::ConfigBuilder;
using Labels = std::vector<std::string>;

TEST_CASE("each part of the key decides where the parts before it are equal") {
  struct Row {
    const char* what;
    test::RouteText first, second;
  };
  const Row rows[] = {
      {"a pair before a source", {1, "10.0.0.0/8", "192.168.0.0/16"}, {9, "10.0.0.0/32", ""}},
      {"a pair before a destination", {1, "10.0.0.0/8", "192.168.0.0/16"}, {9, "", "10.0.0.1/32"}},
      {"a source before a destination", {1, "10.0.0.0/8", ""}, {9, "", "192.168.0.1/32"}},
      {"0.0.0.0/0 is a source", {1, "0.0.0.0/0", ""}, {9, "", "192.168.0.1/32"}},
      {"0.0.0.0/0 makes a pair", {1, "0.0.0.0/0", "0.0.0.0/0"}, {9, "10.0.0.1/32", ""}},
      {"longer source", {1, "10.0.0.0/9", "0.0.0.0/0"}, {9, "10.0.0.0/8", "1.1.1.1/32"}},
      {"longer source alone", {1, "10.0.0.0/9", ""}, {9, "10.0.0.0/8", ""}},
      {"longer destination", {1, "10.0.0.0/8", "1.1.1.1/32"}, {9, "11.0.0.0/8", "1.1.1.0/31"}},
      {"longer destination alone", {1, "", "1.1.1.1/32"}, {9, "", "1.1.1.0/31"}},
      {"higher priority", {9, "10.0.0.0/8", "1.1.1.1/32"}, {1, "10.0.0.0/8", "1.1.1.1/32"}},
      {"higher priority of sources", {9, "10.0.0.0/8", ""}, {1, "10.0.0.0/8", ""}},
      {"higher priority of destinations", {2147483647, "", "1.1.1.1/32"}, {0, "", "1.1.1.1/32"}},
      {"a pair before a source, IPv6", {1, "fd00::/8", "2001:db8::/32"}, {9, "fd00::1/128", ""}},
      {"a source before a destination, IPv6", {1, "fd00::/8", ""}, {9, "", "2001:db8::1/128"}},
      {"::/0 is a source", {1, "::/0", ""}, {9, "", "2001:db8::1/128"}},
      {"longer source, IPv6", {1, "fd00::/9", "::/0"}, {9, "fd00::/8", "2001:db8::1/128"}},
      {"longer destination, IPv6", {1, "fd00::/8", "::1/128"}, {9, "fd00::/8", "::/127"}},
      {"higher priority, IPv6", {9, "fd00::/8", "::1/128"}, {1, "fd00::/8", "::1/128"}}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    for (const bool swapped : {false, true}) {
      ConfigBuilder built;
      // The loser has the better name and place.
      built.service("a", {row.second});
      built.service("b", {row.first});
      if (swapped) std::swap(built.config.services[0], built.config.services[1]);
      CHECK(test::labels(built.config, built.plan()) == Labels{"b/0", "a/0"});
      const RulePlan plan = built.plan();
      CHECK(comes_before(built.config, plan.rules[0], plan.rules[1]));
      CHECK_FALSE(comes_before(built.config, plan.rules[1], plan.rules[0]));
      CHECK_FALSE(comes_before(built.config, plan.rules[0], plan.rules[0]));
    }
  }
}

TEST_CASE("an interface comes before every route") {
  ConfigBuilder built;
  built.service("a", {{9, "10.0.0.1/32", "10.0.0.2/32"}, {9, "::1/128", "::2/128"}});
  built.interface_service("z", {{1, "", "0.0.0.0/0"}});
  CHECK(test::labels(built.config, built.plan()) == Labels{"z", "a/1", "a/0", "z/0"});
  CHECK(built.plan().rules[0].category == Category::kInterface);
  CHECK(built.plan().rules[0].route == -1);
}

TEST_CASE("a disabled interface is no rule") {
  ConfigBuilder built;
  built.interface_service("a", {{1, "10.0.0.0/8", ""}}).interface->enabled.value = false;
  CHECK(test::labels(built.config, built.plan()) == Labels{"a/0"});
}

TEST_CASE("last come the service's name, then the position in the service") {
  ConfigBuilder built;
  built.service("b", {{1, "12.0.0.0/8", ""}, {1, "11.0.0.0/8", ""}, {1, "11.0.0.0/8", ""}});
  built.service("B", {{1, "13.0.0.0/8", ""}});
  built.service("a", {{1, "14.0.0.0/8", ""}});
  CHECK(test::labels(built.config, built.plan()) == Labels{"B/0", "a/0", "b/0", "b/1", "b/2"});
}

TEST_CASE("only services that enter at the node are in its plan") {
  ConfigBuilder built;
  built.service("here", {{1, "10.0.0.0/8", ""}});
  built.service("elsewhere", {{1, "10.0.0.0/8", ""}}).source_peer.value = "lon";
  CHECK(test::labels(built.config, built.plan()) == Labels{"here/0"});
  CHECK(test::labels(built.config, order(built.config, "lon")) == Labels{"elsewhere/0"});
  CHECK(order(built.config, "par").rules.empty());
  CHECK(order(built.config, "par").node == "par");
}

TEST_CASE("the three routes of the manual") {
  ConfigBuilder built;
  built.service("SVC-A", {{100, "10.0.0.0/8", "192.168.0.0/16"}});
  built.service("SVC-B", {{200, "10.1.0.0/16", "192.168.100.0/24"}});
  built.service("SVC-C", {{100, "", "172.16.0.0/12"}});
  CHECK(test::labels(built.config, built.plan()) == Labels{"SVC-B/0", "SVC-A/0", "SVC-C/0"});
}

TEST_CASE("routes that the checks refuse are passed over") {
  ConfigBuilder built;
  Service& service = built.service("a", {{1, "10.0.0.0/8", ""}, {1, "11.0.0.0/8", ""}, {1}});
  service.routes[0].malformed = true;
  service.routes.push_back(test::route({1, "10.0.0.0/8", "fd00::/8"}));
  service.routes.push_back(test::route({1, "12.0.0.0/8", ""}));
  service.routes.back().priority.reset();
  CHECK(test::labels(built.config, built.plan()) == Labels{"a/1"});
}

TEST_CASE("the order does not depend on the order of services in the file") {
  test::Random random(3);
  for (int run = 0; run < 200; ++run) {
    Config config = test::random_config(random, 30);
    const auto expected = test::labels(config, order(config, "syd"));
    for (std::size_t i = config.services.size(); i > 1; --i) {
      std::swap(config.services[i - 1], config.services[test::below(random, i)]);
    }
    const RulePlan plan = order(config, "syd");
    REQUIRE(test::labels(config, plan) == expected);
    for (std::size_t i = 1; i < plan.rules.size(); ++i) {
      REQUIRE(comes_before(config, plan.rules[i - 1], plan.rules[i]));
    }
  }
}

TEST_CASE("categories have the words of the reports") {
  CHECK(std::string(to_string(Category::kInterface)) == "interface");
  CHECK(std::string(to_string(Category::kPair)) == "pair");
  CHECK(std::string(to_string(Category::kSource)) == "source");
  CHECK(std::string(to_string(Category::kDestination)) == "destination");
}

}  // namespace
}  // namespace arctic
