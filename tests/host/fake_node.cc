#include "tests/host/fake_node.h"

#include <map>
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

void must_destroy(Host& host) { must_apply(host, empty_target(kStateNode)); }

}  // namespace arctic::test
