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
  bool all_faults;  ///< else the two that tell most
};

// Everything appears, everything goes, links are made again on another parent, everything changes.
constexpr Transition kTransitions[] = {
    {"nothing", "macvlan", true},       {"macvlan", "nothing", true},
    {"macvlan", "default-route", true}, {"macvlan", "variants", false},
    {"exit_only", "v6_only", false},    {"manual", "shifted", false}};

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

  void run(Fault fault, std::size_t n) {
    FakeHost host = start_;
    host.fault_at(n, fault);
    Result<Outcome> result = Outcome{};
    const bool lived = survives(host, to_, result);
    host.no_faults();
    if (lived) check_result(host, result);
    // One who repeats it, one who takes it back, one who gives up; all three are too slow.
    if (n % 3 == 0) check_converges(host, to_, new_);
    if (n % 3 == 1) check_converges(host, from_, old_);
    if (n % 3 == 2) check_converges(host, empty_target(kStateNode), pristine_);
  }

  /// False where it would only repeat another fault's case: to die after a step is to die before
  /// the next one.
  [[nodiscard]] static bool differs(Fault fault, const std::string& call, bool last) {
    const bool reads = call == "observe" || call == "default route" ||
                       call.rfind("read ", 0) == 0 || call.rfind("list ", 0) == 0;
    if (fault == Fault::kKillHalfway) return call.rfind("append ", 0) == 0;
    if (fault == Fault::kKillAfter) return last;
    return fault != Fault::kFailAfter || !reads;
  }

  /// Two faults: the second one while the first is undone.
  void run_twice(std::size_t n, std::size_t m, Fault second) {
    FakeHost host = start_;
    host.fault_at(n, Fault::kFail);
    host.fault_at(n + m, second);
    Result<Outcome> result = Outcome{};
    const bool lived = survives(host, to_, result);
    host.no_faults();
    const bool partly = lived && !result && result.error().code == ErrorCode::kPartly;
    // With kPartly the node may be in between; any other answer means old or new.
    if (lived && !partly) check_result(host, result);
    if (partly) CHECK(result.error().reason.find("going back failed too") != std::string::npos);
    check_converges(host, to_, new_);
  }

  /// What an apply without a fault calls.
  [[nodiscard]] std::vector<std::string> calls() const {
    FakeHost host = start_;
    host.clear_log();
    REQUIRE(run_apply(host, to_));
    return host.log();
  }

 private:
  void check_result(const FakeHost& host, const Result<Outcome>& result) const {
    INFO((result ? "success" : result.error().message()));
    CHECK(difference(result ? new_ : old_, host.machine.text()) == "");
  }

  void check_converges(const FakeHost& host, const Target& target, const std::string& text) const {
    FakeHost next = host;
    must_apply(next, target);
    CHECK(difference(text, next.machine.text()) == "");
    if (target.destroy) return;
    REQUIRE(run_apply(next, empty_target(kStateNode)));
    CHECK(difference(pristine_, next.machine.text()) == "");
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
    const std::vector<std::string> calls = each.calls();
    CHECK(calls.size() > 30);
    for (std::size_t n = 1; n <= calls.size(); ++n) {
      for (const Fault fault : kFaults) {
        if (!Case::differs(fault, calls[n - 1], n == calls.size())) continue;
        if (!transition.all_faults && fault != Fault::kFail && fault != Fault::kKill) continue;
        INFO(transition.from << " to " << transition.to << ", fault " << static_cast<int>(fault)
                             << " at call " << n << ", " << calls[n - 1]);
        each.run(fault, n);
      }
    }
  }
}

TEST_CASE("a fault while going back is said, and the next apply repairs it") {
  for (const Transition& transition : kTransitions) {
    if (!transition.all_faults) continue;
    Case each(transition);
    const std::size_t calls = each.calls().size();
    for (std::size_t n = 1; n <= calls; ++n) {
      // All pairs would only take longer; every distance has its turn.
      for (std::size_t m = 1 + n % 11; m <= n + 12; m += 11) {
        INFO(transition.from << " to " << transition.to << ", " << n << " and " << m << " later");
        each.run_twice(n, m, (n + m) % 2 == 0 ? Fault::kFail : Fault::kKill);
      }
    }
  }
}

}  // namespace arctic::test
