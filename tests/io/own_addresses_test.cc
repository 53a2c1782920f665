// The node's own addresses, followed in a network namespace of the test's own.
#include "runtime/io/own_addresses.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "tests/support/loop_thread.h"
#include "tests/support/netns.h"

namespace arctic::test {
namespace {

using Addresses = std::vector<Address>;

Addresses sorted(std::initializer_list<const char*> texts) {
  Addresses out;
  for (const char* text : texts) out.push_back(*parse_address(text));
  std::sort(out.begin(), out.end());
  return out;
}

/// A follower whose netlink socket is in the namespace.
class Following {
 public:
  explicit Following(const Netns& netns) {
    thread_.in_loop([&] {
      // The loop's thread reads the addresses, so it stays inside.
      inside_ = std::make_unique<Netns::Inside>(netns);
      auto made = OwnAddresses::make(thread_.loop(), [this](const Addresses& now) {
        const std::lock_guard lock(mutex_);
        heard_.push_back(now);
      });
      if (made) following_ = std::move(*made);
    });
    REQUIRE(following_);
  }
  ~Following() {
    thread_.in_loop([&] {
      following_.reset();
      inside_.reset();
    });
  }
  template <class Call>
  void in_loop(Call call) {
    thread_.in_loop(std::move(call));
  }
  Addresses now() {
    return thread_.in_loop([&] { return following_->now(); });
  }
  std::vector<Addresses> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  bool hears(const Addresses& expected) {
    return eventually([&] {
      const auto all = heard();
      return !all.empty() && all.back() == expected;
    });
  }

 private:
  LoopThread thread_;
  std::unique_ptr<Netns::Inside> inside_;
  std::unique_ptr<OwnAddresses> following_;
  std::mutex mutex_;
  std::vector<Addresses> heard_;
};

}  // namespace

TEST_CASE("addresses that come and go are heard of, of both families") {
  const Netns netns;
  Following following(netns);
  CHECK(following.now() == sorted({"127.0.0.1", "::1"}));
  CHECK(following.heard().empty());
  netns.sh("ip link add d0 type veth peer name p0");
  netns.sh("ip address add 192.0.2.7/24 dev d0");
  CHECK(following.hears(sorted({"127.0.0.1", "192.0.2.7", "::1"})));
  netns.sh("ip address add 2001:db8::7/64 dev d0 nodad");
  CHECK(following.hears(sorted({"127.0.0.1", "192.0.2.7", "::1", "2001:db8::7"})));
  // The same address twice is one.
  netns.sh("ip link add d1 type veth peer name p1; ip address add 192.0.2.7/32 dev d1");
  netns.sh("ip address del 192.0.2.7/24 dev d0");
  netns.sh("ip address add 198.51.100.1/32 dev d1");
  CHECK(following.hears(sorted({"127.0.0.1", "192.0.2.7", "198.51.100.1", "::1", "2001:db8::7"})));
  netns.sh("ip link del d0; ip link del d1");
  CHECK(following.hears(sorted({"127.0.0.1", "::1"})));
  CHECK(following.now() == sorted({"127.0.0.1", "::1"}));
}

TEST_CASE("a burst is followed to its end in few steps, events that were lost included") {
  constexpr int kMany = 4000;
  Addresses expected = sorted({"127.0.0.1", "::1"});
  for (int i = 0; i < kMany; ++i) {
    expected.push_back(
        *parse_address("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)));
  }
  std::sort(expected.begin(), expected.end());
  for (const bool blocked : {false, true}) {
    INFO("the loop does not read meanwhile: " << blocked);
    const Netns netns;
    Following following(netns);
    const auto add_all = [&] {
      netns.sh(
          "{ echo link add d0 type veth peer name p0; for a in $(seq 0 15); do "
          "for b in $(seq 250); do echo address add 10.1.$a.$b/32 dev d0; done; done; } | "
          "ip -batch -");
    };
    if (blocked) {
      following.in_loop(add_all);  // more than the socket has room for
    } else {
      add_all();
    }
    CHECK(following.hears(expected));
    CHECK(following.heard().size() < kMany / 10);
    // And on it goes.
    netns.sh("ip link del d0");
    CHECK(following.hears(sorted({"127.0.0.1", "::1"})));
  }
}

}  // namespace arctic::test
