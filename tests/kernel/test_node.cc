#include "tests/kernel/test_node.h"

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <thread>

#include "compiler/compile.h"
#include "compiler/load.h"
#include "runtime/host/linux_host.h"

namespace arctic::test {
namespace {

// Duplicate address detection is off, so that an address is there at once, and the uplink has
// carrier, or the routes over it would come and go.
constexpr const char* kMachine = R"(
  for each in all default; do
    echo 0 > /proc/sys/net/ipv6/conf/$each/accept_dad
    echo 0 > /proc/sys/net/ipv6/conf/$each/router_solicitations
  done
  ip -batch - <<END
link add uplink0 type veth peer name provider
link set provider up
link set uplink0 up
address add 10.0.0.2/24 dev uplink0
address add fd00::2/64 dev uplink0
route add default via 10.0.0.1
route add default via fd00::1 dev uplink0
END
  for each in uplink0 provider; do
    tries=0
    until ip -o link show $each | grep -q 'state UP'; do
      tries=$((tries + 1)); [ $tries -lt 3000 ] || exit 1
      sleep 0.01
    done
  done
)";

Target compile_state(const NamedState& state) {
  Diagnostics diagnostics;
  const Config config = load(state.yaml, diagnostics);
  if (diagnostics.has_errors()) {
    std::string text = state.name + ":\n";
    for (const Diagnostic& each : diagnostics.all()) {
      text += render(each, state.name, state.yaml, false);
    }
    throw std::runtime_error(text);
  }
  return target_of(compile(config, kStateNode), config, state.yaml);
}

}  // namespace

const Target& target_for(const NamedState& state) {
  static std::map<std::string, Target> targets;
  const auto found = targets.find(state.yaml);
  if (found != targets.end()) return found->second;
  return targets.emplace(state.yaml, compile_state(state)).first->second;
}

TestNode::TestNode() {
  netns_.sh(kMachine);
  std::string pattern = std::filesystem::temp_directory_path() / "arctic-node-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp: " + pattern);
  root_ = pattern;
}

TestNode::~TestNode() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::vector<std::optional<std::string>> TestNode::files() const {
  LinuxHost host(root_);
  return {host.read_file(kPegasusConfigPath).value(), host.read_file(kTempestConfigPath).value()};
}

Result<Outcome> TestNode::apply(Host& host, const Target& target, bool prune) const {
  const Netns::Inside inside(netns_);
  ARCTIC_TRY(const auto lock, host.lock());
  ARCTIC_TRY(const Plan made, arctic::plan(host, target));
  ApplyOptions options;
  options.prune = prune;
  options.who = "test";
  return arctic::apply(host, made, options, {});
}

Result<Outcome> TestNode::apply(const Target& target, bool prune) const {
  LinuxHost host(root_);
  return apply(host, target, prune);
}

Result<Plan> TestNode::plan(const Target& target) const {
  const Netns::Inside inside(netns_);
  LinuxHost host(root_);
  return arctic::plan(host, target);
}

void TestNode::must_apply(const Target& target) const {
  const auto outcome = apply(target);
  if (!outcome) throw std::runtime_error("apply: " + outcome.error().message());
  const auto second = plan(target);
  if (!second) throw std::runtime_error("second plan: " + second.error().message());
  if (second->changes.empty()) return;
  std::string text = "a second plan has changes:";
  for (const auto* group : {&second->changes.prepare, &second->changes.nft, &second->changes.files,
                            &second->changes.retire}) {
    for (const Change& change : *group) {
      const Description what = describe(change);
      text += "\n" + what.kind + " " + what.identity + ": " + what.before + " -> " + what.after;
    }
  }
  throw std::runtime_error(text);
}

std::string TestNode::differs_from(const Listing& expected) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (;;) {
    std::string text = difference(expected, listing());
    if (text.empty() || std::chrono::steady_clock::now() > deadline) return text;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace arctic::test
