// Every call of the door fails once and dies once; then what?
//
// The node is old or new after a failure, and after any crash the next apply converges, a second
// plan is empty, and destroy still knows what the kernel parameters were before the first apply.
#include <catch2/catch.hpp>

#include "tests/host/fake_node.h"

namespace arctic::test {
namespace {

constexpr Fault kFaults[] = {Fault::kFail, Fault::kFailAfter, Fault::kKill, Fault::kKillAfter,
                             Fault::kKillHalfway};

/// A service whose MACVLAN sits on whatever has the default route, and other parameters.
std::string on_default_route() {
  std::string yaml = named_state("macvlan").yaml;
  const std::string line = "    parent_interface: " + std::string(kStateParent) + "\n";
  return yaml.replace(yaml.find(line), line.size(), "    tempest_port: 40001\n");
}

Target target_for(const std::string& state) {
  if (state == "nothing") return empty_target(kStateNode);
  if (state == "default-route") return target_from(on_default_route());
  return target_named(state);
}

FakeHost host_at(const Target& target) {
  FakeHost host = fresh_host();
  host.machine.sysctls["net/ipv4/ip_local_reserved_ports"] = "7000,40001";
  host.machine.sysctls["net/ipv4/conf/uplink0/arp_ignore"] = "2";
  must_apply(host, target);
  return host;
}

/// True if the process lived on.
bool survives(FakeHost& host, const Target& target, Result<Outcome>& result) {
  try {
    result = run_apply(host, target);
    return true;
  } catch (const Killed&) {
    return false;
  }
}

struct Transition {
  const char* from;
  const char* to;
};

// Everything appears, everything goes, everything changes; links are made again on another parent.
constexpr Transition kTransitions[] = {{"nothing", "macvlan"},       {"macvlan", "nothing"},
                                       {"macvlan", "variants"},      {"variants", "macvlan"},
                                       {"macvlan", "default-route"}, {"exit_only", "v6_only"},
                                       {"manual", "shifted"}};

class Case {
 public:
  explicit Case(const Transition& transition)
      : from_(target_for(transition.from)), to_(target_for(transition.to)), start_(host_at(from_)) {
    FakeHost pristine = start_;
    must_destroy(pristine);
    pristine_ = pristine.machine.text();
    old_ = start_.machine.text();
    FakeHost done = start_;
    must_apply(done, to_);
    new_ = done.machine.text();
  }

  /// False if the apply has fewer than n calls.
  bool run(Fault fault, std::size_t n) {
    FakeHost host = start_;
    const std::size_t first = host.calls();
    host.fault_at(n, fault);
    Result<Outcome> result = Outcome{};
    const bool lived = survives(host, to_, result);
    host.no_faults();
    if (lived) check_result(host, result);
    check_converges(host, to_, new_);
    check_converges(host, from_, old_);
    return host.calls() - first >= n;
  }

  /// Two failures: the second one while the first is undone.
  void run_twice(std::size_t n, std::size_t m) {
    FakeHost host = start_;
    host.fault_at(n, Fault::kFail);
    host.fault_at(n + m, Fault::kFail);
    Result<Outcome> result = Outcome{};
    survives(host, to_, result);
    host.no_faults();
    // With code kPartly the node may be in between; any other code means old or new.
    if (result || result.error().code != ErrorCode::kPartly) check_result(host, result);
    if (!result && result.error().code == ErrorCode::kPartly) CHECK(!result.error().hint.empty());
    check_converges(host, to_, new_);
  }

  [[nodiscard]] std::size_t calls() const {
    FakeHost host = start_;
    const std::size_t first = host.calls();
    REQUIRE(run_apply(host, to_));
    return host.calls() - first;
  }

 private:
  void check_result(const FakeHost& host, const Result<Outcome>& result) const {
    INFO((result ? "success" : result.error().message()));
    CHECK(host.machine.text() == (result ? new_ : old_));
  }

  void check_converges(const FakeHost& host, const Target& target, const std::string& text) const {
    FakeHost next = host;
    must_apply(next, target);
    CHECK(next.machine.text() == text);
    must_destroy(next);
    CHECK(next.machine.text() == pristine_);
  }

  Target from_;
  Target to_;
  FakeHost start_;
  std::string pristine_;
  std::string old_;
  std::string new_;
};

}  // namespace

TEST_CASE("a fault at any call leaves a node that the next apply repairs") {
  for (const Transition& transition : kTransitions) {
    Case each(transition);
    for (const Fault fault : kFaults) {
      std::size_t n = 1;
      do {
        INFO(transition.from << " to " << transition.to << ", fault " << static_cast<int>(fault)
                             << " at call " << n);
        if (!each.run(fault, n)) break;
      } while (++n < 10000);
      CHECK(n > 20);
    }
  }
}

TEST_CASE("a failure while going back is said, and the next apply repairs it") {
  for (const Transition& transition :
       {Transition{"nothing", "macvlan"}, Transition{"macvlan", "variants"},
        Transition{"macvlan", "nothing"}}) {
    Case each(transition);
    const std::size_t calls = each.calls();
    for (std::size_t n = 1; n <= calls; ++n) {
      for (std::size_t m = 1; m <= calls; m += 3) {
        INFO(transition.from << " to " << transition.to << ", " << n << " and " << m << " later");
        each.run_twice(n, m);
      }
    }
  }
}

}  // namespace arctic::test
