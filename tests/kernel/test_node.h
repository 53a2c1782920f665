// A machine to apply to: a network namespace with an uplink, and a folder for its files.
//
// Owned by one test, gone with it. Every call enters the namespace and leaves it again; the process
// stays where it was. What the product does, it does through LinuxHost.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/host/apply.h"
#include "tests/kernel/listing.h"
#include "tests/kernel/states.h"
#include "tests/support/netns.h"

namespace arctic::test {

/// What applying this state aims at. Compiled once for a process. Throws if the text has errors.
[[nodiscard]] const Target& target_for(const NamedState& state);

class TestNode {
 public:
  TestNode();
  ~TestNode();
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  [[nodiscard]] const Netns& netns() const { return netns_; }
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] Listing listing() const { return netns_.run(list_kernel); }
  /// The files that the runtimes load, as they are now; nullopt where there is none.
  [[nodiscard]] std::vector<std::optional<std::string>> files() const;

  /// Lock, plan and apply, as the command does it; through `host` where one is given.
  Result<Outcome> apply(Host& host, const Target& target, bool prune = true) const;
  Result<Outcome> apply(const Target& target, bool prune = true) const;
  /// What apply would do now.
  Result<Plan> plan(const Target& target) const;
  /// Throws with what is wrong unless it succeeds, and unless a second plan is then empty.
  void must_apply(const Target& target) const;
  void must_destroy() const { must_apply(empty_target(kStateNode)); }

  /// Waits until the kernel lists `expected`; the difference if it does not within five seconds
  /// (the kernel makes some routes of its own a moment after a link is up).
  [[nodiscard]] std::string differs_from(const Listing& expected) const;

 private:
  Netns netns_;
  std::string root_;
};

}  // namespace arctic::test
