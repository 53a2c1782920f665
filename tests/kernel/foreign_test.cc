// What is not ours stays as it is: tables, rules, routes, links and sysctls of others, made and
// unmade before, during and after our applies; and names of ours that others hold are refused.
#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "runtime/host/linux_host.h"
#include "tests/kernel/hooked_host.h"
#include "tests/kernel/test_node.h"

namespace arctic::test {
namespace {

// Something that somebody else does on the machine, and takes back.
struct Deed {
  const char* made;
  const char* unmade;
};

constexpr std::array kDeeds = {
    Deed{"nft 'table inet other { map m { type mark : verdict; }; chain arctic { type filter hook "
         "prerouting priority mangle; meta mark vmap @m; }; }'",
         "nft delete table inet other"},
    Deed{
        "nft 'table ip arctic { chain prerouting { type nat hook prerouting priority dstnat; }; }'",
        "nft delete table ip arctic"},
    Deed{"nft 'add table inet mine; add set inet mine s { type ipv4_addr; flags interval; }; "
         "add element inet mine s { 10.0.0.0/8 }'",
         "nft delete table inet mine"},
    Deed{"ip rule add pref 5105 from 10.99.0.0/24 lookup 52000",
         "ip rule del pref 5105 from 10.99.0.0/24 lookup 52000"},
    Deed{"ip rule add pref 5110 fwmark 0x5/0xff lookup 99",
         "ip rule del pref 5110 fwmark 0x5/0xff lookup 99"},
    Deed{"ip -6 rule add pref 5101 from fd99::/64 goto 32766",
         "ip -6 rule del pref 5101 from fd99::/64 goto 32766"},
    Deed{"ip route add 10.77.0.0/24 dev uplink0 table 52001",
         "ip route del 10.77.0.0/24 dev uplink0 table 52001"},
    Deed{"ip route add default dev uplink0 table 52000 metric 9 proto static",
         "ip route del default dev uplink0 table 52000 metric 9 proto static"},
    Deed{"ip -6 route add unreachable fd77::/64 table 52002 proto bird",
         "ip -6 route del unreachable fd77::/64 table 52002 proto bird"},
    Deed{"ip link add foreign0 link uplink0 type macvlan mode bridge; ip link set foreign0 alias "
         "'somebody: arctic:' up; ip address add 10.0.0.77/24 dev foreign0",
         "ip link del foreign0"},
    Deed{"ip tuntap add tp-foreign mode tun", "ip tuntap del tp-foreign mode tun"},
    Deed{"echo 1 > /proc/sys/net/ipv4/conf/uplink0/log_martians",
         "echo 0 > /proc/sys/net/ipv4/conf/uplink0/log_martians"},
    Deed{"echo 55 > /proc/sys/net/ipv4/tcp_keepalive_intvl",
         "echo 75 > /proc/sys/net/ipv4/tcp_keepalive_intvl"},
};

// Others on the machine: each call does or undoes something, and remembers how theirs looks now.
class Others {
 public:
  explicit Others(const TestNode& node, std::mt19937& random) : node_(node), random_(random) {
    expected_ = node_.netns().run([] { return foreign_part(list_kernel()); });
  }

  void act() {
    const std::size_t which = random_() % kDeeds.size();
    node_.netns().sh(done_[which] ? kDeeds[which].unmade : kDeeds[which].made);
    done_[which] = !done_[which];
    expected_ = foreign_part(node_.listing());
  }

  [[nodiscard]] std::string disturbed() const {
    return difference(expected_, foreign_part(node_.listing()));
  }

 private:
  const TestNode& node_;
  std::mt19937& random_;
  std::array<bool, kDeeds.size()> done_{};
  Listing expected_;
};

// Applies while others act before the call with this number.
Result<Outcome> apply_amid(const TestNode& node, const Target& target, Others& others,
                           std::size_t when) {
  LinuxHost linux_host(node.root());
  HookedHost host(linux_host, [&](std::size_t call, const char*) -> Status {
    if (call == when) others.act();
    return {};
  });
  return node.apply(host, target);
}

}  // namespace

TEST_CASE("two hundred random sequences leave what is foreign alone") {
  constexpr unsigned kSeed = 20;
  std::mt19937 random(kSeed);
  const TestNode node;
  Others others(node, random);
  for (int sequence = 0; sequence < 200; ++sequence) {
    const auto& states = named_states();
    const bool destroy = random() % 4 == 0;
    const NamedState& state = states[random() % states.size()];
    const Target target = destroy ? empty_target(kStateNode) : target_for(state);
    INFO("seed " << kSeed << ", sequence " << sequence << ": "
                 << (destroy ? "destroy" : state.name));
    others.act();
    const auto outcome = apply_amid(node, target, others, 1 + random() % 60);
    if (!outcome) {
      // Somebody else's nftables transaction came between looking and changing.
      INFO(outcome.error().message());
      CHECK(outcome.error().code == ErrorCode::kRefused);
    }
    REQUIRE(others.disturbed() == "");
    REQUIRE_NOTHROW(node.must_apply(target));
    REQUIRE(others.disturbed() == "");
    others.act();
    REQUIRE_NOTHROW(node.must_apply(target));
    REQUIRE(others.disturbed() == "");
  }
}

namespace {

struct ForeignName {
  const char* state;
  const char* made;
  const char* subject;  ///< what the refusal must name
};

const ForeignName kForeignNames[] = {
    {"manual", "nft 'table inet arctic { chain c { type filter hook input priority 0; }; }'",
     "inet arctic"},
    {"manual", "nft 'table inet arctic { comment \"by hand\"; }'", "inet arctic"},
    {"manual", "ip tuntap add tp-beta mode tun", "tp-beta"},
    {"manual", "ip link add tp-gamma type veth peer name other0", "tp-gamma"},
    {"macvlan", "ip link add bare-interface- link uplink0 type macvlan mode bridge",
     "bare-interface-"},
    {"macvlan",
     "ip link add bare-interface- link uplink0 type macvlan mode bridge; ip link set "
     "bare-interface- alias 'not arctic'",
     "bare-interface-"},
};

}  // namespace

TEST_CASE("a name of ours in foreign hands is refused, named, with a cure") {
  for (const ForeignName& each : kForeignNames) {
    INFO(each.made);
    const TestNode node;
    node.netns().sh(each.made);
    const Listing before = node.listing();
    const auto outcome = node.apply(target_for(named_state(each.state)));
    REQUIRE_FALSE(outcome);
    INFO(outcome.error().message());
    CHECK(outcome.error().code == ErrorCode::kRefused);
    CHECK(outcome.error().message().find(each.subject) != std::string::npos);
    CHECK_FALSE(outcome.error().hint.empty());
    CHECK(node.differs_from(before) == "");
    for (const auto& file : node.files()) CHECK_FALSE(file.has_value());
  }
}

TEST_CASE("a foreign name that appears after the plan is not taken over") {
  for (const ForeignName& each : kForeignNames) {
    INFO(each.made);
    const TestNode node;
    const Listing pristine = node.listing();
    LinuxHost linux_host(node.root());
    Listing foreign;
    // The first write is the journal's; the plan is made by then.
    bool made = false;
    HookedHost host(linux_host, [&](std::size_t, const char* what) -> Status {
      if (!made && std::string(what) == "append_file") {
        made = true;
        must_run(each.made);
        foreign = list_kernel();
      }
      return {};
    });
    const auto outcome = node.apply(host, target_for(named_state(each.state)));
    REQUIRE(made);
    REQUIRE_FALSE(outcome);
    INFO(outcome.error().message());
    CHECK(outcome.error().message().find(each.subject) != std::string::npos);
    CHECK(node.differs_from(foreign) == "");
  }
}

}  // namespace arctic::test
