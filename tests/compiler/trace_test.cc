// What becomes of single packets, by all evaluators in memory, and the reasons given.
#include "compiler/trace.h"

#include <catch2/catch.hpp>

#include "compiler/allocate.h"
#include "tests/compiler/config_builder.h"

namespace arctic {
namespace {

using test::ConfigBuilder;

struct Question {
  const char* from;
  const char* to;
  const char* expected;  ///< label of the rule; empty: left alone
  const char* why = nullptr;
  const char* iif = "";
};

void ask(const ConfigBuilder& built, const Question& question) {
  CAPTURE(question.from, question.to, question.iif);
  const RulePlan plan = built.plan();
  const Packet packet{test::address(question.from), test::address(question.to), 6, question.iif};
  const auto label = [&](const std::optional<std::size_t>& rule) {
    return rule ? route_label(built.config, plan.rules[*rule]) : std::string();
  };
  CHECK(label(first_match(built.config, plan, packet)) == question.expected);
  CHECK(label(Tracer(built.config, plan).match(packet)) == question.expected);
  const Explanation explanation = explain(built.config, plan, packet);
  CHECK(label(explanation.winner) == question.expected);
  if (question.why != nullptr) CHECK(explanation.why == question.why);
}

constexpr const char* kNobody = "no interface and no route matches: the packet is left alone";
constexpr const char* kAlone = "nothing else matches";

TEST_CASE("the manual's packets take the services that the manual says") {
  ConfigBuilder built;
  built.service("SVC-A", {{100, "10.0.0.0/8", "192.168.0.0/16"}});
  built.service("SVC-B", {{200, "10.1.0.0/16", "192.168.100.0/24"}});
  built.service("SVC-C", {{100, "", "172.16.0.0/12"}});
  ask(built, {"10.1.2.3", "192.168.100.50", "SVC-B/0", "longer source prefix: /16 beats /8"});
  ask(built, {"10.2.3.4", "192.168.200.50", "SVC-A/0", kAlone});
  ask(built, {"9.9.9.9", "172.16.5.5", "SVC-C/0", kAlone});
  ask(built, {"10.1.2.3", "192.168.7.7", "SVC-A/0", kAlone});
  ask(built, {"9.9.9.9", "8.8.8.8", "", kNobody});
  ask(built, {"::ffff:10.1.2.3", "::ffff:192.168.100.50", "", kNobody});
}

TEST_CASE("the same in IPv6") {
  ConfigBuilder built;
  built.service("SVC-A", {{100, "fd00::/16", "2001:db8::/32"}});
  built.service("SVC-B", {{200, "fd00:1::/32", "2001:db8:64::/48"}});
  built.service("SVC-C", {{100, "", "2001:db9::/32"}});
  ask(built, {"fd00:1::3", "2001:db8:64::50", "SVC-B/0", "longer source prefix: /32 beats /16"});
  ask(built, {"fd00:2::4", "2001:db8:c8::50", "SVC-A/0", kAlone});
  ask(built, {"9::9", "2001:db9::5", "SVC-C/0", kAlone});
  ask(built, {"fd00:1::3", "2001:db8:7::7", "SVC-A/0", kAlone});
  ask(built, {"9::9", "8::8", "", kNobody});
  ask(built, {"10.1.2.3", "192.168.100.50", "", kNobody});
}

TEST_CASE("categories come before prefix lengths, those before priorities") {
  ConfigBuilder built;
  built.service("pair", {{1, "10.0.0.0/8", "192.0.2.0/24"}, {1, "fd00::/8", "2001:db8::/32"}});
  built.service("source", {{5, "10.0.0.1/32", ""}, {5, "fd00::1/128", ""}});
  built.service("wide", {{5, "10.0.0.0/8", ""}, {5, "fd00::/8", ""}});
  built.service("dest", {{9, "", "198.51.100.7/32"}, {9, "", "192.0.2.7/32"}});
  built.service("dest6", {{9, "", "2001:db8::7/128"}, {9, "", "2001:db9::7/128"}});
  ask(built,
      {"10.0.0.1", "192.0.2.7", "pair/0",
       "a route that matches source and destination beats one that matches only the source"});
  ask(built, {"10.0.0.1", "198.51.100.7", "source/0", "longer source prefix: /32 beats /8"});
  ask(built, {"10.0.0.2", "198.51.100.7", "wide/0",
              "a route that matches the source beats one that matches only the destination"});
  ask(built, {"11.0.0.2", "198.51.100.7", "dest/0", kAlone});
  ask(built,
      {"fd00::1", "2001:db8::7", "pair/1",
       "a route that matches source and destination beats one that matches only the source"});
  ask(built, {"fd00::1", "2001:db9::7", "source/1", "longer source prefix: /128 beats /8"});
  ask(built, {"fd00::2", "2001:db9::7", "wide/1",
              "a route that matches the source beats one that matches only the destination"});
  ask(built, {"fe00::2", "2001:db9::7", "dest6/1", kAlone});
}

TEST_CASE("where source and destination lengths disagree the source decides") {
  ConfigBuilder built;
  built.service("host", {{9, "10.0.0.0/8", "192.0.2.7/32"}, {9, "fd00::/8", "2001:db8::7/128"}});
  built.service("site", {{1, "10.1.0.0/16", "0.0.0.0/0"}, {1, "fd01::/16", "::/0"}});
  ask(built, {"10.1.0.1", "192.0.2.7", "site/0", "longer source prefix: /16 beats /8"});
  ask(built, {"10.2.0.1", "192.0.2.7", "host/0", kAlone});
  ask(built, {"fd01::1", "2001:db8::7", "site/1", "longer source prefix: /16 beats /8"});
  ask(built, {"fd02::1", "2001:db8::7", "host/1", kAlone});
}

TEST_CASE("priority only breaks ties of equal lengths") {
  ConfigBuilder built;
  built.service("low", {{1, "10.0.0.0/8", "192.0.2.0/24"}, {1, "fd00::/8", "2001:db8::/32"}});
  built.service("high", {{2, "10.0.0.0/8", "192.0.2.0/24"}, {2, "fd00::/8", "2001:db8::/32"}});
  built.service("wide", {{9, "10.0.0.0/8", "192.0.0.0/16"}, {9, "fd00::/8", "2001:d00::/24"}});
  ask(built, {"10.0.0.1", "192.0.2.1", "high/0", "higher priority: 2 beats 1"});
  ask(built, {"10.0.0.1", "192.0.3.1", "wide/0", kAlone});
  ask(built, {"fd00::1", "2001:db8::1", "high/1", "higher priority: 2 beats 1"});
  ask(built, {"fd00::1", "2001:d07::1", "wide/1", kAlone});
}

TEST_CASE("a longer destination wins below equal sources") {
  ConfigBuilder built;
  built.service("a", {{9, "10.0.0.0/8", "192.0.2.0/24"}, {9, "", "8.0.0.0/8"}});
  built.service("b", {{1, "10.0.0.0/8", "192.0.2.128/25"}, {1, "", "8.8.0.0/16"}});
  ask(built, {"10.0.0.1", "192.0.2.200", "b/0", "longer destination prefix: /25 beats /24"});
  ask(built, {"10.0.0.1", "192.0.2.100", "a/0", kAlone});
  ask(built, {"7.0.0.1", "8.8.8.8", "b/1", "longer destination prefix: /16 beats /8"});
}

TEST_CASE("a written /0 counts as a source, and as a destination") {
  ConfigBuilder built;
  built.service("any", {{0, "0.0.0.0/0", ""}, {0, "::/0", ""}});
  built.service("host", {{9, "", "192.0.2.7/32"}, {9, "", "2001:db8::7/128"}});
  ask(built, {"10.0.0.1", "192.0.2.7", "any/0",
              "a route that matches the source beats one that matches only the destination"});
  ask(built, {"fd00::1", "2001:db8::7", "any/1",
              "a route that matches the source beats one that matches only the destination"});
  built.service("both", {{0, "0.0.0.0/0", "0.0.0.0/0"}, {0, "::/0", "::/0"}});
  built.service("narrow", {{9, "10.0.0.1/32", ""}, {9, "fd00::1/128", ""}});
  ask(built,
      {"10.0.0.1", "192.0.2.7", "both/0",
       "a route that matches source and destination beats one that matches only the source"});
  ask(built,
      {"fd00::1", "2001:db8::7", "both/1",
       "a route that matches source and destination beats one that matches only the source"});
}

TEST_CASE("a source without a destination that matches falls through to wider ones") {
  ConfigBuilder built;
  built.service("narrow", {{1, "10.1.1.0/24", "192.0.2.0/24"}});
  built.service("middle", {{1, "10.1.0.0/16", "198.51.100.0/24"}});
  built.service("wide", {{1, "10.0.0.0/8", "203.0.113.0/24"}});
  built.service("source", {{1, "10.1.1.1/32", ""}});
  built.service("dest", {{1, "", "100.64.0.0/10"}});
  ask(built, {"10.1.1.2", "192.0.2.1", "narrow/0"});
  ask(built, {"10.1.1.2", "198.51.100.1", "middle/0"});
  ask(built, {"10.1.1.2", "203.0.113.1", "wide/0"});
  ask(built, {"10.1.1.1", "100.64.0.1", "source/0"});
  ask(built, {"10.1.1.2", "100.64.0.1", "dest/0"});
  ask(built, {"10.1.1.2", "1.1.1.1", ""});
}

TEST_CASE("an interface beats every route, and only by its own name") {
  ConfigBuilder built;
  built.interface_service("lan").id = Located<std::string>{"lan-of-the-first-floor", {}};
  built.interface_service("other", {{9, "", "0.0.0.0/0"}});
  built.service("route", {{9, "10.0.0.1/32", "192.0.2.1/32"}, {9, "fd00::1/128", "fd00::2/128"}});
  const std::string other = macvlan_name(built.config.services[1]);
  const char* why = "it arrives on the service's interface, which beats every route";
  ask(built, {"10.0.0.1", "192.0.2.1", "lan", why, "lan-of-the-firs"});
  ask(built, {"fd00::1", "fd00::2", "lan", why, "lan-of-the-firs"});
  ask(built, {"1.1.1.1", "2.2.2.2", "other", why, other.c_str()});
  ask(built, {"1::1", "2::2", "other", kAlone, other.c_str()});
  ask(built, {"10.0.0.1", "192.0.2.1", "route/0", nullptr, "eth0"});
  ask(built, {"10.0.0.1", "192.0.2.1", "route/0", nullptr, "lan"});
  ask(built, {"10.0.0.1", "192.0.2.1", "route/0", nullptr, ""});
}

TEST_CASE("an explanation lists what each category tried and what lost") {
  ConfigBuilder built;
  built.service("a", {{1, "10.0.0.0/8", "192.0.2.0/24"},
                      {1, "10.0.0.0/8", "192.0.2.0/24"},
                      {1, "10.0.0.0/16", "198.51.100.0/24"},
                      {1, "fd00::/8", "fd00::/8"}});
  built.service("b", {{1, "10.0.0.0/8", ""}, {1, "11.0.0.0/8", ""}});
  built.service("c", {{1, "", "192.0.0.0/16"}});
  built.interface_service("d");
  const RulePlan plan = built.plan();
  const Packet packet{test::address("10.0.0.1"), test::address("192.0.2.1"), 17, ""};
  const Explanation explanation = explain(built.config, plan, packet);
  REQUIRE(explanation.winner);
  CHECK(route_label(built.config, plan.rules[*explanation.winner]) == "a/0");
  CHECK(explanation.why == "equal in match and priority: a/0 comes before a/1");
  const std::size_t tried[] = {1, 3, 2, 1};
  const std::size_t matched[] = {0, 2, 1, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(explanation.categories[i].category == static_cast<Category>(i + 1));
    CHECK(explanation.categories[i].tried == tried[i]);
    CHECK(explanation.categories[i].matches.size() == matched[i]);
  }
  std::vector<std::string> beaten;
  for (const std::size_t i : explanation.beaten) {
    beaten.push_back(route_label(built.config, plan.rules[i]));
  }
  CHECK(beaten == std::vector<std::string>{"a/1", "b/0", "c/0"});
}

TEST_CASE("an empty plan leaves everything alone") {
  const ConfigBuilder built;
  ask(built, {"10.0.0.1", "192.0.2.1", "", kNobody});
  ask(built, {"::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "", kNobody, "eth0"});
}

TEST_CASE("what the node sends from the address of an interface is of its service") {
  ConfigBuilder built;
  for (const char* name : {"second", "first"}) {
    Interface& interface = *built.interface_service(name).interface;
    interface.ipv4 = {*parse_host_prefix("10.0.0.9/24"), {}};
    interface.ipv6 = {*parse_host_prefix("fd00::9/64"), {}};
  }
  built.service("off", {{9, "10.0.0.10/32", ""}}).interface = Interface{};
  built.config.services.back().interface->ipv4 = {*parse_host_prefix("10.0.0.10/24"), {}};
  built.service("route", {{9, "10.0.0.0/24", "192.0.2.1/32"}, {9, "fd00::9/128", ""}});
  const char* why =
      "the node itself sends it from the address of the service's interface, which beats every "
      "route";
  for (const char* iif : {"", "lo"}) {
    // Of two with one address the first by name, as in the kernel's map.
    ask(built, {"10.0.0.9", "192.0.2.1", "first", nullptr, iif});
    ask(built, {"fd00::9", "2001:db8::1", "first", nullptr, iif});
    ask(built, {"10.0.0.8", "192.0.2.1", "route/0", kAlone, iif});
    ask(built, {"10.0.0.10", "192.0.2.2", "off/0", kAlone, iif});
    ask(built, {"::10.0.0.9", "2001:db8::1", "", kNobody, iif});
  }
  ask(built, {"10.0.0.9", "192.0.2.1", "route/0", kAlone, "eth0"});
  ask(built, {"fd00::9", "2001:db8::1", "route/1", kAlone, "eth0"});
  const std::string second = macvlan_name(built.config.services[0]);
  ask(built, {"10.0.0.9", "192.0.2.1", "second", nullptr, second.c_str()});
  built.config.services[0].interface->ipv4.reset();
  ask(built, {"10.0.0.9", "192.0.2.1", "first", why});
  ask(built, {"10.0.0.9", "192.0.2.2", "first",
              "the node itself sends it from the address of the service's interface; nothing else "
              "matches"});
}

TEST_CASE("multicast, broadcast and link-local destinations are never captured") {
  ConfigBuilder built;
  built.service("all", {{1, "", "0.0.0.0/0"}, {1, "", "::/0"}, {1, "10.0.0.0/8", ""}});
  built.interface_service("lan").interface->ipv4 = {*parse_host_prefix("10.0.0.9/24"), {}};
  const std::string lan = macvlan_name(built.config.services[1]);
  const auto left_alone = [](const char* what) {
    return std::string("the destination is ") + what +
           ", which no service takes: the packet is left alone";
  };
  const std::string multicast = left_alone("a multicast address");
  const std::string link_local = left_alone("a link-local address");
  const std::string broadcast = left_alone("the broadcast address");
  for (const char* iif : {"", "eth0", lan.c_str()}) {
    ask(built, {"10.0.0.9", "224.0.0.0", "", multicast.c_str(), iif});
    ask(built, {"10.0.0.9", "239.255.255.255", "", multicast.c_str(), iif});
    ask(built, {"10.0.0.9", "255.255.255.255", "", broadcast.c_str(), iif});
    ask(built, {"fd00::9", "ff00::", "", multicast.c_str(), iif});
    ask(built, {"fd00::9", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", multicast.c_str(), iif});
    ask(built, {"fd00::9", "fe80::", "", link_local.c_str(), iif});
    ask(built, {"fd00::9", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", link_local.c_str(), iif});
  }
  for (const char* to : {"223.255.255.255", "240.0.0.0", "255.255.255.254", "169.254.0.1"}) {
    ask(built, {"11.0.0.9", to, "all/0"});
  }
  for (const char* to : {"fe7f::1", "fec0::", "feff::", "::e000:0:0:0"}) {
    ask(built, {"fd00::9", to, "all/1"});
  }
}

TEST_CASE("protocols have names and numbers") {
  struct Row {
    const char* text;
    int number;  ///< -1: none
  };
  const Row rows[] = {{"tcp", 6},     {"udp", 17},  {"icmp", 1}, {"ipv6-icmp", 58},
                      {"icmpv6", 58}, {"gre", 47},  {"esp", 50}, {"sctp", 132},
                      {"0", 0},       {"255", 255}, {"6", 6},    {"256", -1},
                      {"", -1},       {"TCP", -1},  {"-1", -1},  {"+6", -1},
                      {"06", -1},     {"6 ", -1},   {"1e1", -1}, {"99999999999999999999", -1}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto number = parse_protocol(row.text);
    CHECK((number ? static_cast<int>(*number) : -1) == row.number);
  }
}

}  // namespace
}  // namespace arctic
