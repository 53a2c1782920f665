#include "tests/host/fake_node.h"

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "compiler/load.h"

namespace arctic::test {

Target target_from(const std::string& yaml) {
  Diagnostics diagnostics;
  const Config config = load(yaml, diagnostics);
  for (const Diagnostic& each : diagnostics.all()) {
    if (each.severity == Severity::kError)
      throw std::runtime_error(render(each, "test", yaml, false));
  }
  return target_of(compile(config, kStateNode), config, yaml);
}

const Target& target_named(const std::string& state) {
  static std::map<std::string, Target> targets;
  const auto found = targets.find(state);
  if (found != targets.end()) return found->second;
  return targets.emplace(state, target_from(named_state(state).yaml)).first->second;
}

FakeHost fresh_host() {
  FakeHost host;
  host.add_foreign_link(kStateParent);
  return host;
}

Result<Outcome> run_apply(Host& host, const Target& target, bool prune) {
  ARCTIC_TRY(const Plan plan, arctic::plan(host, target));
  return apply(host, plan, {prune, "a test"}, {});
}

void must_apply(Host& host, const Target& target) {
  const auto outcome = run_apply(host, target);
  if (!outcome) throw std::runtime_error(outcome.error().message());
  if (!outcome->notices.empty()) throw std::runtime_error(outcome->notices.front());
  const auto second = plan(host, target);
  if (!second) throw std::runtime_error(second.error().message());
  if (!second->changes.empty()) throw std::runtime_error("a second plan has changes");
  if (!second->nothing_to_do()) throw std::runtime_error("a second apply would write something");
}

std::string difference(const std::string& expected, const std::string& actual) {
  if (expected == actual) return {};
  const auto lines = [](const std::string& text) {
    std::multiset<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) all.insert(line);
    return all;
  };
  const auto left = lines(expected);
  const auto right = lines(actual);
  std::string out;
  for (const auto& line : left) out += right.count(line) == 0 ? "- " + line + "\n" : "";
  for (const auto& line : right) out += left.count(line) == 0 ? "+ " + line + "\n" : "";
  return out.empty() ? "another order of the same lines" : out;
}

void must_destroy(Host& host) { must_apply(host, empty_target(kStateNode)); }

}  // namespace arctic::test
