// Every call of the door fails once, and the process dies there once. Dying after a call is dying
// before the next one: between two calls there is nothing but memory, which dies too.
//
// Whatever happened: the node is old or new, the next apply converges, a second plan is empty, and
// destroy gives back the machine as it was before the first apply, sysctls and foreign objects too.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "runtime/host/linux_host.h"
#include "tests/kernel/hooked_host.h"
#include "tests/kernel/test_node.h"

namespace arctic::test {
namespace {

enum class Fault { kFail, kDie };

const char* name_of(Fault fault) { return fault == Fault::kFail ? "fails" : "dies"; }

constexpr const char* kForeignObjects = R"(
  nft 'table inet other { set s { type ipv4_addr; elements = { 10.0.0.1 }; };
       chain c { type filter hook forward priority 5; ip saddr @s counter accept; }; }'
  ip rule add pref 5105 from 10.99.0.0/24 lookup 52000
  ip -6 rule add pref 77 from fd99::/64 lookup 99
  ip route add 10.77.0.0/24 dev uplink0 table 52001
  ip link add foreign0 link uplink0 type macvlan mode bridge
  ip link set foreign0 alias 'somebody else' up
  echo 7000,61000 > /proc/sys/net/ipv4/ip_local_reserved_ports
  echo 1 > /proc/sys/net/ipv4/conf/uplink0/arp_ignore
)";

struct View {
  Listing listing;
  std::vector<std::optional<std::string>> files;
};

// One transition, prepared so that it can be repeated with a fault at each call.
class Transition {
 public:
  Transition(const Target& from, const Target& to) : from_(from), to_(to) {
    node_.netns().sh(kForeignObjects);
    pristine_ = node_.listing();
    settle(to_, new_);
    reset();
  }

  /// One run with a fault at call n; false if the transition has fewer calls.
  bool run(Fault fault, std::size_t n) {
    const bool reached = fault == Fault::kFail ? fail_at(n) : die_at(n);
    // Three people may come next: one who repeats, one who takes it back, one who gives up.
    if (n % 3 == 0) converge(to_, new_);
    if (n % 3 == 1) {
      converge(from_, old_);
    } else {
      reset();
    }
    return reached;
  }

 private:
  void settle(const Target& target, View& view) {
    node_.must_apply(target);
    view = {node_.listing(), node_.files()};
    for (std::string moved = "?"; !moved.empty();) {
      Listing again = node_.listing();
      moved = difference(view.listing, again);
      view.listing = std::move(again);
    }
  }

  void reset() {
    REQUIRE_NOTHROW(node_.must_destroy());
    REQUIRE(node_.differs_from(pristine_) == "");
    if (old_.listing.empty()) {
      settle(from_, old_);
    } else {
      REQUIRE_NOTHROW(node_.must_apply(from_));
    }
  }

  void converge(const Target& target, const View& expected) {
    REQUIRE_NOTHROW(node_.must_apply(target));
    REQUIRE(node_.differs_from(expected.listing) == "");
    REQUIRE(node_.files() == expected.files);
  }

  bool fail_at(std::size_t n) {
    LinuxHost linux_host(node_.root());
    HookedHost host(linux_host, [n](std::size_t call, const char* what) -> Status {
      if (call == n) return fail(ErrorCode::kFailure, what, "made to fail");
      return {};
    });
    const auto outcome = node_.apply(host, to_);
    if (host.calls() < n) return false;
    const View& view = outcome ? new_ : old_;
    if (!outcome) {
      INFO(outcome.error().message());
      CHECK(outcome.error().code == ErrorCode::kFailure);
    }
    REQUIRE(node_.differs_from(view.listing) == "");
    REQUIRE(node_.files() == view.files);
    return true;
  }

  bool die_at(std::size_t n) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      LinuxHost linux_host(node_.root());
      const auto die = [n](std::size_t call, const char*) -> Status {
        if (call == n) ::raise(SIGKILL);
        return {};
      };
      HookedHost host(linux_host, die);
      ::_exit(node_.apply(host, to_) ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) {
      REQUIRE(WEXITSTATUS(status) == 0);
      return false;
    }
    REQUIRE(WTERMSIG(status) == SIGKILL);
    whole_or_nothing();
    return true;
  }

  // After a death links and rules may be there that nothing uses yet; what decides about packets,
  // and each file, is old or new.
  void whole_or_nothing() const {
    const auto nft_part = [](const Listing& listing) {
      Listing part;
      std::copy_if(listing.begin(), listing.end(), std::back_inserter(part),
                   [](const std::string& line) { return line.rfind("nft ", 0) == 0; });
      return part;
    };
    const Listing now = node_.listing();
    REQUIRE((nft_part(now) == nft_part(old_.listing) || nft_part(now) == nft_part(new_.listing)));
    REQUIRE(difference(foreign_part(now), foreign_part(pristine_)) == "");
    const auto files = node_.files();
    for (std::size_t i = 0; i < files.size(); ++i) {
      CHECK((files[i] == old_.files[i] || files[i] == new_.files[i]));
    }
  }

  TestNode node_;
  const Target from_;
  const Target to_;
  Listing pristine_;
  View old_;
  View new_;
};

struct NamedTransition {
  const char* name;
  Target from;
  Target to;
};

std::vector<NamedTransition> transitions() {
  const Target nothing = empty_target(kStateNode);
  const Target& first = target_for(named_state("macvlan"));
  const Target& second = target_for(named_state("variants"));
  return {{"nothing to macvlan", nothing, first},
          {"macvlan to variants", first, second},
          {"variants to nothing", second, nothing}};
}

}  // namespace

TEST_CASE("the transitions hold every kind of change") {
  std::set<std::size_t> kinds;
  for (const NamedTransition& each : transitions()) {
    const TestNode node;
    node.must_apply(each.from);
    const auto plan = node.plan(each.to);
    REQUIRE(plan);
    for (const auto* group : {&plan->changes.prepare, &plan->changes.nft, &plan->changes.files,
                              &plan->changes.retire}) {
      for (const Change& change : *group) kinds.insert(change.index());
    }
  }
  CHECK(kinds.size() == std::variant_size_v<Change>);
}

TEST_CASE("a fault at every call") {
  for (const NamedTransition& each : transitions()) {
    for (const Fault fault : {Fault::kFail, Fault::kDie}) {
      DYNAMIC_SECTION(each.name << " " << name_of(fault)) {
        Transition transition(each.from, each.to);
        std::size_t n = 1;
        for (bool reached = true; reached; ++n) {
          INFO("call " << n);
          reached = transition.run(fault, n);
        }
        CHECK(n > 10);
      }
    }
  }
}

}  // namespace arctic::test
