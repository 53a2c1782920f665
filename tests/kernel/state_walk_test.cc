// Any state to any state: every ordered pair of the named configurations, applied to one node.
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <vector>

#include "tests/kernel/test_node.h"

namespace arctic::test {
namespace {

// A closed walk over every ordered pair of 0..n-1, each exactly once, a state to itself included:
// an Eulerian circuit of the complete directed graph (Hierholzer).
std::vector<std::size_t> every_ordered_pair(std::size_t n) {
  std::vector<std::size_t> next(n, 0);
  std::vector<std::size_t> stack = {0};
  std::vector<std::size_t> walk;
  while (!stack.empty()) {
    const std::size_t at = stack.back();
    if (next[at] < n) {
      stack.push_back(next[at]++);
    } else {
      walk.push_back(at);
      stack.pop_back();
    }
  }
  return {walk.rbegin(), walk.rend()};
}

// What the kernel lists after a state was loaded into a machine that never saw another.
Listing fresh_load(const NamedState& state) {
  const TestNode node;
  node.must_apply(target_for(state));
  Listing listing = node.listing();
  // The kernel adds a few routes of its own a moment later: take what two looks agree on.
  for (std::string moved = "?"; !moved.empty();) {
    Listing again = node.listing();
    moved = difference(listing, again);
    listing = std::move(again);
  }
  return listing;
}

}  // namespace

TEST_CASE("the walk covers every ordered pair") {
  std::map<std::pair<std::size_t, std::size_t>, int> seen;
  const auto walk = every_ordered_pair(7);
  for (std::size_t i = 1; i < walk.size(); ++i) ++seen[{walk[i - 1], walk[i]}];
  CHECK(seen.size() == 49);
  CHECK(walk.size() == 50);
}

TEST_CASE("any state to any state equals a fresh load") {
  const auto& states = named_states();
  REQUIRE(states.size() >= 8);
  std::vector<Listing> fresh;
  for (const NamedState& state : states) {
    INFO("fresh load of " << state.name);
    REQUIRE_NOTHROW(fresh.push_back(fresh_load(state)));
  }
  const TestNode node;
  std::string before = "nothing";
  for (const std::size_t index : every_ordered_pair(states.size())) {
    INFO(before << " to " << states[index].name);
    REQUIRE_NOTHROW(node.must_apply(target_for(states[index])));
    REQUIRE(node.differs_from(fresh[index]) == "");
    before = states[index].name;
  }
}

TEST_CASE("no two states look alike") {
  std::vector<Listing> fresh;
  for (const NamedState& state : named_states()) fresh.push_back(fresh_load(state));
  for (std::size_t a = 0; a < fresh.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      INFO(named_states()[a].name << " and " << named_states()[b].name);
      CHECK_FALSE(difference(fresh[a], fresh[b]).empty());
    }
  }
}

TEST_CASE("shrinking without prune is refused and changes nothing") {
  const TestNode node;
  node.must_apply(target_for(named_state("hub")));
  const Listing before = node.listing();
  const auto files = node.files();
  for (const char* smaller : {"empty", "manual", "v6_only"}) {
    INFO("hub to " << smaller);
    const auto outcome = node.apply(target_for(named_state(smaller)), false);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == ErrorCode::kRefused);
    CHECK(outcome.error().hint.find("--prune") != std::string::npos);
    CHECK(node.differs_from(before) == "");
    CHECK(node.files() == files);
  }
  node.must_apply(target_for(named_state("manual")));
  const auto all_gone = node.apply(target_for(named_state("empty")), false);
  REQUIRE_FALSE(all_gone);
  CHECK(all_gone.error().code == ErrorCode::kRefused);
}

TEST_CASE("destroy leaves the machine as it was") {
  for (const NamedState& state : named_states()) {
    INFO(state.name);
    const TestNode node;
    const Listing pristine = node.listing();
    node.must_apply(target_for(state));
    node.must_destroy();
    CHECK(node.differs_from(pristine) == "");
    for (const auto& file : node.files()) CHECK_FALSE(file.has_value());
  }
}

}  // namespace arctic::test
