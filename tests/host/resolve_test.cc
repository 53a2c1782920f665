#include "runtime/host/resolve.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>

#include "runtime/host/look.h"
#include "tests/host/fake_node.h"

namespace arctic::test {
namespace {

NodeState macvlan_on(const std::string& parent) {
  NodeState state;
  Link link;
  link.kind = LinkKind::kMacvlan;
  link.parent = parent;
  link.alias = "arctic:x";
  state.links["svc-x"] = link;
  state.sysctls["net/ipv4/conf/" + parent + "/arp_ignore"].value = "1";
  state.sysctls["net/ipv4/conf/svc-x/rp_filter"].value = "2";
  return state;
}

}  // namespace

TEST_CASE("the interface of the default route takes its place") {
  FakeHost host;
  NodeState state = macvlan_on(kDefaultRouteInterface);
  REQUIRE(resolve_interfaces(host, state));
  CHECK(state.links["svc-x"].parent == "eth0");
  CHECK(state.sysctls.count("net/ipv4/conf/eth0/arp_ignore") == 1);
  CHECK(state.sysctls.count("net/ipv4/conf/svc-x/rp_filter") == 1);
  CHECK(state.sysctls.size() == 2);
}

TEST_CASE("the host is asked only if the file leaves it open") {
  FakeHost host;
  host.default_route.clear();
  NodeState state = macvlan_on("eth1");
  REQUIRE(resolve_interfaces(host, state));
  CHECK(host.calls() == 0);
  CHECK(state.links["svc-x"].parent == "eth1");
}

TEST_CASE("no default route is refused with the cure") {
  FakeHost host;
  host.default_route.clear();
  NodeState state = macvlan_on(kDefaultRouteInterface);
  const auto status = resolve_interfaces(host, state);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::kRefused);
  CHECK(status.error().subject == "svc-x");
  CHECK(status.error().hint.find("`parent_interface`") != std::string::npos);
}

TEST_CASE("a failure to ask stays what it is") {
  FakeHost host;
  host.fault_at(1, Fault::kFail);
  NodeState state = macvlan_on(kDefaultRouteInterface);
  const auto status = resolve_interfaces(host, state);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::kFailure);
}

TEST_CASE("merging ports") {
  struct Row {
    const char* now;
    const char* before;  // nullptr: no record
    const char* wanted;
    const char* expected;
  };
  constexpr Row kRows[] = {
      {"", nullptr, "51840", "51840"},      {"51840", nullptr, "51840", "51840"},
      {"1-3,7", nullptr, "5", "1-3,5,7"},   {"1-3,7", nullptr, "4", "1-4,7"},
      {"7,1-3", nullptr, "2", "7,1-3"},  // the same set keeps its spelling
      {"1,51840", "1", "51841", "1,51841"}, {"1,51840", "1", "51840", "1,51840"}};
  for (const Row& row : kRows) {
    INFO(row.now << " and " << row.wanted);
    NodeState actual;
    actual.sysctls[kReservedPortsPath].value = row.now;
    if (row.before != nullptr) actual.sysctls[kReservedPortsPath].before = row.before;
    NodeState desired;
    desired.sysctls[kReservedPortsPath].value = row.wanted;
    desired.sysctls[kReservedPortsPath].merge_ports = true;
    REQUIRE(resolve_ports(desired, actual));
    CHECK(desired.sysctls[kReservedPortsPath].value == row.expected);
    CHECK_FALSE(desired.sysctls[kReservedPortsPath].merge_ports);
  }
}

TEST_CASE("the parameters of links that going back knows are all that there are") {
  std::size_t seen = 0;
  for (const NamedState& state : named_states()) {
    for (const auto& [path, sysctl] : target_named(state.name).desired.sysctls) {
      if (sysctl.of_link.empty()) continue;
      ++seen;
      std::string form = path;
      form.replace(form.find(sysctl.of_link), sysctl.of_link.size(), "%");
      INFO(form);
      CHECK(std::find(std::begin(kLinkParameters), std::end(kLinkParameters), form) !=
            std::end(kLinkParameters));
    }
  }
  CHECK(seen > 20);
}

TEST_CASE("a default route that moves takes the MACVLANs along") {
  const std::string line = "    parent_interface: " + std::string(kStateParent) + "\n";
  std::string yaml = named_state("macvlan").yaml;
  yaml.erase(yaml.find(line), line.size());
  FakeHost host;
  const std::string pristine = host.machine.text();
  must_apply(host, target_from(yaml));
  CHECK(host.machine.sysctls["net/ipv4/conf/eth0/arp_ignore"] == "1");
  host.default_route = "eth1";
  must_apply(host, target_from(yaml));
  CHECK(host.machine.sysctls["net/ipv4/conf/eth0/arp_ignore"] == "0");
  CHECK(host.machine.sysctls["net/ipv4/conf/eth1/arp_ignore"] == "1");
  std::size_t moved = 0;
  for (const auto& [name, link] : host.machine.links) moved += link.parent == "eth1" ? 1 : 0;
  CHECK(moved == 3);
  must_destroy(host);
  CHECK(difference(pristine, host.machine.text()) == "");
}

}  // namespace arctic::test
