// Any state to any state in memory: all ordered pairs of the named configurations.
#include <catch2/catch.hpp>

#include "tests/host/fake_node.h"

namespace arctic::test {
namespace {

std::string fresh_text(const std::string& state) {
  FakeHost host = fresh_host();
  must_apply(host, target_named(state));
  return host.machine.text();
}

}  // namespace

TEST_CASE("every state becomes every other, as if it had been applied afresh") {
  std::map<std::string, std::string> fresh;
  for (const NamedState& state : named_states()) fresh[state.name] = fresh_text(state.name);
  REQUIRE(fresh.size() >= 8);
  for (const NamedState& from : named_states()) {
    for (const NamedState& to : named_states()) {
      INFO(from.name << " to " << to.name);
      FakeHost host = fresh_host();
      must_apply(host, target_named(from.name));
      must_apply(host, target_named(to.name));
      CHECK(difference(fresh[to.name], host.machine.text()) == "");
    }
  }
}

TEST_CASE("destroy leaves the machine as it was before the first apply") {
  for (const NamedState& from : named_states()) {
    for (const NamedState& to : named_states()) {
      INFO(from.name << ", " << to.name << ", destroy");
      FakeHost host = fresh_host();
      host.machine.sysctls["net/ipv4/ip_local_reserved_ports"] = "7000-7002,40000";
      const std::string before = host.machine.text();
      must_apply(host, target_named(from.name));
      must_apply(host, target_named(to.name));
      must_destroy(host);
      CHECK(difference(before, host.machine.text()) == "");
    }
  }
}

}  // namespace arctic::test
