// The machine in memory behaves like the kernel where an apply could trip: otherwise the tests that
// use it prove nothing.
#include "tests/support/fake_host.h"

#include <catch2/catch.hpp>

namespace arctic::test {
namespace {

Link tunnel(const std::string& peer) {
  Link link;
  link.kind = LinkKind::kTun;
  link.alias = "arctic:peer:" + peer;
  link.multi_queue = true;
  return link;
}

Change add_link(const std::string& name) { return LinkDelta{name, std::nullopt, tunnel(name)}; }

PolicyRoute default_by(const std::string& device, Family family = Family::kIpv4) {
  return {family, 52001, RouteType::kUnicast, 0, device, ""};
}

Change add_route(const PolicyRoute& route) { return RouteDelta{{}, std::nullopt, route}; }

Change add_address(const std::string& link, const char* address) {
  return AddressDelta{{}, std::nullopt, LinkAddress{link, *parse_host_prefix(address), ""}};
}

Change table() { return TableDelta{{}, std::nullopt, TableHeader{}}; }
Change chain(const char* name) { return ChainDelta{name, std::nullopt, ChainHeader{}}; }
Change map(const char* name) {
  return MapDelta{name, std::nullopt, MapHeader{nft::KeyType::kIpv4, true}};
}
Change element(const char* map_name, U128 first, U128 last, const char* to) {
  const nft::Element value{first, last, {nft::VerdictCode::kGoto, to}, ""};
  return ElementDelta{map_name, std::nullopt, ElementOf{nft::KeyType::kIpv4, true, value}};
}
Change rule(const char* chain_name, nft::Expr expr) {
  nft::Rule value;
  value.exprs.push_back(std::move(expr));
  return NftRuleDelta{chain_name, std::nullopt, value};
}

Change removed(const Change& change) {
  return std::visit(
      [](auto delta) -> Change {
        std::swap(delta.before, delta.after);
        return delta;
      },
      change);
}

std::string reason(const Status& status) { return status ? "" : status.error().reason; }

}  // namespace

TEST_CASE("a link takes its addresses, routes and parameters along") {
  FakeHost host;
  const std::string before = host.machine.text();
  REQUIRE(host.perform(add_link("tp-a")));
  REQUIRE(host.perform(add_address("tp-a", "192.0.0.8/32")));
  REQUIRE(host.perform(add_route(default_by("tp-a"))));
  CHECK(host.machine.sysctls.count("net/ipv4/conf/tp-a/rp_filter") == 1);
  REQUIRE(host.perform(removed(add_link("tp-a"))));
  CHECK(host.machine.text() == before);
}

TEST_CASE("a parent takes its MACVLANs along") {
  FakeHost host;
  Link link;
  link.kind = LinkKind::kMacvlan;
  link.parent = "eth1";
  link.alias = "arctic:x";
  REQUIRE(host.perform(LinkDelta{"svc-x", std::nullopt, link}));
  host.delete_link("eth1");
  CHECK(host.machine.links.count("svc-x") == 0);
  CHECK(reason(host.perform(LinkDelta{"svc-x", std::nullopt, link})) == "ENODEV (parent)");
}

TEST_CASE("routes want a device that is there and up, and their place to themselves") {
  FakeHost host;
  CHECK(reason(host.perform(add_route(default_by("tp-a")))) == "ENODEV");
  REQUIRE(host.perform(add_link("tp-a")));
  REQUIRE(host.perform(add_link("tp-b")));
  REQUIRE(host.perform(add_route(default_by("tp-a"))));
  REQUIRE(host.perform(add_route(default_by("tp-a"))));
  CHECK(reason(host.perform(add_route(default_by("tp-b")))) == "EEXIST");
  REQUIRE(host.perform(RouteDelta{{}, default_by("tp-a"), default_by("tp-b")}));
  CHECK(host.machine.routes == std::set<PolicyRoute>{default_by("tp-b")});

  Link down = tunnel("tp-b");
  down.up = false;
  REQUIRE(host.perform(LinkDelta{"tp-b", tunnel("tp-b"), down}));
  CHECK(host.machine.routes.empty());
  CHECK(reason(host.perform(add_route(default_by("tp-b")))) == "ENETDOWN");
}

TEST_CASE("the last IPv4 address takes the IPv4 routes along") {
  FakeHost host;
  REQUIRE(host.perform(add_link("tp-a")));
  REQUIRE(host.perform(add_address("tp-a", "192.0.0.8/32")));
  REQUIRE(host.perform(add_route(default_by("tp-a"))));
  REQUIRE(host.perform(add_route(default_by("tp-a", Family::kIpv6))));
  REQUIRE(host.perform(removed(add_address("tp-a", "192.0.0.8/32"))));
  CHECK(host.machine.routes == std::set<PolicyRoute>{default_by("tp-a", Family::kIpv6)});
}

TEST_CASE("links of others are not ours to change") {
  FakeHost host;
  CHECK(reason(host.perform(add_link("eth1"))) == "EEXIST");
  CHECK(reason(host.perform(removed(add_link("eth1")))) == "is not ours");
}

TEST_CASE("a parameter goes back only from our value") {
  FakeHost host;
  std::string& value = host.machine.sysctls["net/ipv4/ip_forward"];
  Sysctl ours{"1", false, {}, "0", "1", ""};
  const Change back = SysctlDelta{"net/ipv4/ip_forward", ours, std::nullopt};
  value = "2";
  REQUIRE(host.perform(back));
  CHECK(value == "2");
  value = "1";
  REQUIRE(host.perform(back));
  CHECK(value == "0");
  CHECK(reason(host.perform(SysctlDelta{"net/no/such", std::nullopt, Sysctl{}})) == "ENOENT");
}

TEST_CASE("transactions are refused as the kernel refuses them, as a whole") {
  const nft::Verdict to_c{nft::VerdictCode::kGoto, "c"};
  struct Row {
    const char* name;
    std::vector<Change> changes;
    const char* error;
  };
  const std::vector<Change> base = {table(),
                                    chain("base"),
                                    chain("c"),
                                    map("m"),
                                    element("m", 10, 20, "c"),
                                    rule("base", nft::LookupVerdict{"m"})};
  const Row rows[] = {
      {"an element before its chain", {element("m", 30, 40, "new"), chain("new")}, "ENOENT"},
      {"a rule before its map", {rule("base", nft::LookupVerdict{"n"}), map("n")}, "ENOENT"},
      {"a rule before its chain",
       {rule("base", nft::ImmediateVerdict{{to_c.code, "new"}})},
       "ENOENT"},
      {"a chain that an element names", {removed(chain("c"))}, "EBUSY"},
      {"a map that a rule names", {removed(map("m"))}, "EBUSY"},
      {"a map twice", {map("m")}, "EEXIST"},
      {"a chain twice", {chain("c")}, "EEXIST"},
      {"an overlap", {element("m", 20, 30, "c")}, "EEXIST"},
      {"an overlap, deleted too late",
       {element("m", 10, 15, "c"), removed(element("m", 10, 20, "c"))},
       "EEXIST"},
      {"an element of another range", {removed(element("m", 10, 19, "c"))}, "ENOENT"},
      {"deleted first", {removed(element("m", 10, 20, "c")), element("m", 10, 15, "c")}, ""},
      {"everything", {removed(table())}, ""},
      {"table replaced", {TableDelta{{}, TableHeader{}, TableHeader{true, ""}}, chain("c")}, ""},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    FakeHost host;
    REQUIRE(host.commit(base));
    const std::string before = host.machine.text();
    CHECK(reason(host.commit(row.changes)) == row.error);
    CHECK((host.machine.text() == before) == (row.error[0] != '\0'));
  }
}

TEST_CASE("rules are deleted by handle") {
  FakeHost host;
  REQUIRE(
      host.commit({table(), chain("c"), rule("c", nft::Counter{}), rule("c", nft::Masquerade{})}));
  const nft::Rule first = host.machine.table->chains["c"].rules[0];
  REQUIRE(host.commit({NftRuleDelta{"c", first, std::nullopt}}));
  REQUIRE(host.machine.table->chains["c"].rules.size() == 1);
  CHECK(host.machine.table->chains["c"].rules[0].exprs[0] == nft::Expr(nft::Masquerade{}));
  CHECK(reason(host.commit({NftRuleDelta{"c", first, std::nullopt}})) == "ENOENT");
}

TEST_CASE("each kind of fault does what its name says") {
  struct Row {
    Fault fault;
    bool dies, made;
  };
  constexpr Row kRows[] = {{Fault::kFail, false, false},
                           {Fault::kFailAfter, false, true},
                           {Fault::kKill, true, false},
                           {Fault::kKillAfter, true, true}};
  for (const Row& row : kRows) {
    FakeHost host;
    host.fault_at(2, row.fault);
    REQUIRE(host.perform(add_link("tp-a")));
    if (row.dies) {
      CHECK_THROWS_AS(host.perform(add_link("tp-b")), Killed);
    } else {
      CHECK_FALSE(host.perform(add_link("tp-b")));
    }
    CHECK((host.machine.links.count("tp-b") == 1) == row.made);
    REQUIRE(host.perform(add_link("tp-c")));
  }
  FakeHost host;
  host.fault_at(1, Fault::kKillHalfway);
  CHECK_THROWS_AS(host.append_file("/x", "0123456789"), Killed);
  CHECK(host.machine.files["/x"] == "01234");
}

}  // namespace arctic::test
