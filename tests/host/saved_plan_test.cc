#include "runtime/host/saved_plan.h"

#include <catch2/catch.hpp>

#include "tests/host/fake_node.h"

namespace arctic::test {
namespace {

Plan plan_of(FakeHost& host, const std::string& state) {
  auto plan = arctic::plan(host, target_named(state));
  REQUIRE(plan);
  return std::move(*plan);
}

std::string reason(const Plan& plan, const SavedPlan& saved) {
  const auto status = check_fresh(plan, saved);
  if (status) return {};
  CHECK(status.error().code == ErrorCode::kRefused);
  CHECK(is_stale(plan, saved));
  return status.error().reason;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  REQUIRE(text.find(what) != std::string::npos);
  return text.replace(text.find(what), what.size(), with);
}

}  // namespace

TEST_CASE("a saved plan reads back as it was written") {
  const SavedPlan saved{"syd", "version: v1\n# \"quoted\"\t\xc3\xa9\n", "", "4f2c0a9b8d7e",
                        std::string(64, 'a')};
  const auto decoded = decode_saved_plan(encode(saved));
  REQUIRE(decoded);
  CHECK(*decoded == saved);
  CHECK(looks_like_saved_plan(encode(saved)));
  CHECK_FALSE(looks_like_saved_plan("version: v1\n"));
  CHECK_FALSE(looks_like_saved_plan("{version: v1}\n"));
  CHECK_FALSE(looks_like_saved_plan(""));
}

TEST_CASE("what is no saved plan is refused with its place") {
  const std::string good = encode(SavedPlan{"syd", "x", "", "4f2c0a9b8d7e", "d"});
  struct Row {
    std::string text;
    const char* where;
  };
  const Row rows[] = {
      {"", ""},
      {"null", ""},
      {"[1]", ""},
      {good.substr(0, good.size() / 2), ""},
      {good + "x", ""},
      {replaced(good, "\"arctic-plan\"", "\"plan\""), "/kind"},
      {replaced(good, "\"format_version\": 1", "\"format_version\": 2"), "/format_version"},
      {replaced(good, "\"format_version\": 1", "\"format_version\": \"1\""), "/format_version"},
      {replaced(good, "\"node\": \"syd\"", "\"node\": \"\""), "/node"},
      {replaced(good, "\"node\": \"syd\"", "\"node\": null"), "/node"},
      {replaced(good, "\"node\": \"syd\",", ""), "/node"},
      {replaced(good, "\"node\": \"syd\"", "\"node\": \"syd\", \"node\": \"lon\""), ""},
      {replaced(good, "\"source\": \"x\"", "\"source\": [[[[[[[[]]]]]]]]"), ""},
      {replaced(good, "{", "{\"a/b\": 1,"), "/a~1b"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto decoded = decode_saved_plan(row.text);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == ErrorCode::kConfig);
    CHECK(decoded.error().where == row.where);
  }
}

TEST_CASE("a saved plan is good for the node it was made on, as it was then") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("manual"));
  const SavedPlan saved = save(plan_of(host, "macvlan"));
  CHECK(reason(plan_of(host, "macvlan"), saved).empty());
  CHECK_FALSE(is_stale(plan_of(host, "macvlan"), saved));

  SECTION("another node") {
    SavedPlan other = saved;
    other.node = "beta";
    CHECK(reason(plan_of(host, "macvlan"), other) == "is for peer `beta`, this node is `alpha`");
  }
  SECTION("another compiler") {
    SavedPlan other = saved;
    other.target_generation = "000000000000";
    CHECK(reason(plan_of(host, "macvlan"), other).find("another version") != std::string::npos);
  }
  SECTION("another apply in between") {
    must_apply(host, target_named("hub"));
    CHECK(reason(plan_of(host, "macvlan"), saved).find("was at generation") != std::string::npos);
  }
  SECTION("there and back again is the same state") {
    must_apply(host, target_named("hub"));
    must_apply(host, target_named("manual"));
    CHECK_FALSE(is_stale(plan_of(host, "macvlan"), saved));
  }
  SECTION("drift in between") {
    host.machine.sysctls["net/ipv4/ip_forward"] = "0";
    CHECK(reason(plan_of(host, "macvlan"), saved).find("someone has changed") != std::string::npos);
  }
  SECTION("traffic in between is no drift") {
    for (auto& [name, chain] : host.machine.table->chains) {
      for (nft::Rule& rule : chain.rules) {
        rule.handle += 100;
        for (nft::Expr& expr : rule.exprs) {
          if (auto* counter = std::get_if<nft::Counter>(&expr)) counter->packets += 7;
        }
      }
    }
    CHECK_FALSE(is_stale(plan_of(host, "macvlan"), saved));
  }
}

TEST_CASE("the digest sees every part of a state") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("macvlan"));
  const NodeState state = plan_of(host, "macvlan").actual;
  const std::string digest = state_digest(state);
  CHECK(digest.size() == 64);
  using Edit = void (*)(NodeState&);
  const Edit edits[] = {
      [](NodeState& s) { s.links.begin()->second.mtu = 1; },
      [](NodeState& s) { s.links.begin()->second.up = !s.links.begin()->second.up; },
      [](NodeState& s) { s.addresses.erase(s.addresses.begin()); },
      [](NodeState& s) { s.routes.erase(s.routes.begin()); },
      [](NodeState& s) { s.rules.erase(s.rules.begin()); },
      [](NodeState& s) { s.sysctls.begin()->second.value += "1"; },
      [](NodeState& s) { s.files.begin()->second.content += " "; },
      [](NodeState& s) { s.table.reset(); },
      [](NodeState& s) { s.table->ours = false; },
      [](NodeState& s) { s.table->strange.emplace_back("set x"); },
      [](NodeState& s) { s.table->maps["tunnels"].elements[0].comment += "x"; },
      [](NodeState& s) { s.table->maps["tunnels"].elements[0].last += 1; },
      [](NodeState& s) { s.table->maps["tunnels"].elements[0].verdict.chain += "x"; },
      [](NodeState& s) { s.table->chains["forward"].hook->priority += 1; },
      [](NodeState& s) { s.table->chains["forward"].rules.clear(); },
  };
  for (const Edit edit : edits) {
    NodeState other = state;
    edit(other);
    CHECK(state_digest(other) != digest);
  }
  CHECK(state_digest(state) == digest);
}

}  // namespace arctic::test
