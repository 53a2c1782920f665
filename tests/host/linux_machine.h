// A machine of their own for the tests of LinuxHost: a network namespace with one interface pair,
// a root folder, and the host between them. The test's thread is inside as long as it lives.
#pragma once

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "compiler/diff.h"
#include "runtime/host/linux_host.h"
#include "tests/support/netns.h"

namespace arctic::test {

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "arctic-host-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Machine {
  Machine() : inside(netns), host(folder.path()) {
    // No addresses of the kernel's own, and carrier on both ends, so that nothing changes by
    // itself.
    must_run(
        "echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode;"
        "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad;"
        "ip link add eth1 type veth peer name lan1 && ip link set eth1 up && "
        "ip link set lan1 up");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (must_run("ip -o link show up").find("NO-CARRIER") != std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no carrier");
    }
  }

  /// All there is of ours, and what `desired` names.
  NodeState observe(const NodeState& desired = {}) {
    auto state = host.observe(desired, {});
    if (!state) throw std::runtime_error(state.error().message());
    return *std::move(state);
  }
  /// Makes changes as apply does: prepare, transaction, files, retire. Throws at the first failure.
  void make(const Changes& changes) {
    const auto all = [&](const std::vector<Change>& list) {
      for (const Change& change : list) must(host.perform(change));
    };
    all(changes.prepare);
    must(host.commit(changes.nft));
    all(changes.files);
    all(changes.retire);
  }
  /// Turns what is there into `desired`, and checks that nothing is left to do.
  void become(const NodeState& desired) {
    make(diff(observe(desired), desired));
    const Changes rest = diff(observe(desired), desired);
    for (const auto* group : {&rest.prepare, &rest.nft, &rest.files, &rest.retire}) {
      for (const Change& change : *group) {
        const Description left = describe(change);
        UNSCOPED_INFO(left.kind + " " + left.identity + ": " + left.before + " -> " + left.after);
      }
    }
    CHECK(rest.empty());
  }
  static void must(const Status& status) {
    if (!status) throw std::runtime_error(status.error().message() + " | " + status.error().hint);
  }

  Netns netns;
  Netns::Inside inside;
  Folder folder;
  LinuxHost host;
};

}  // namespace arctic::test
