// What the kernel lists after each example was applied on each of its nodes, and that nothing is
// left when it goes again.
//
// The text is nft's and ip's own, so it shows what somebody who looks at a node sees.
// ARCTIC_GOLDEN_ACCEPT=1 writes golden/loaded anew instead of comparing.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "runtime/host/apply.h"
#include "tests/compiler/example_files.h"
#include "tests/host/linux_machine.h"

namespace arctic::test {
namespace {

namespace fs = std::filesystem;

bool accepting() {
  const char* value = std::getenv("ARCTIC_GOLDEN_ACCEPT");
  return value != nullptr && std::string(value) == "1";
}

/// Without counters, carrier and trailing blanks.
std::string listing() {
  return must_run(
      "( nft -s list table inet arctic 2>/dev/null;"
      "  for f in 4 6; do"
      "    echo; echo \"IPv$f rules:\"; ip -$f rule show | grep 'proto 172';"
      "    echo; echo \"IPv$f routes:\"; ip -$f route show table all proto 172;"
      "  done;"
      "  echo; echo 'interfaces:';"
      "  ip -br link | cut -d'@' -f1 | cut -d' ' -f1 | sort | while read -r name; do"
      "    alias=$(ip link show dev \"$name\" | sed -n 's/^ *alias //p');"
      "    case $alias in arctic:*) ;; *) continue;; esac;"
      "    ip -d link show dev \"$name\" | awk -v name=\"$name\" -v alias=\"$alias\" '"
      "      /mtu/ { for (i = 1; i < NF; i++) if ($i == \"mtu\") mtu = $(i + 1) }"
      "      /macvlan mode/ { kind = \"macvlan mode bridge\"; if (!/mode bridge/) kind = $0 }"
      "      /tun type/ { kind = \"tun\"; if (/multi_queue/) kind = kind \" multi_queue\";"
      "                   if (/persist on/) kind = kind \" persistent\" }"
      "      END { print name \": \" kind \" mtu \" mtu \" alias \" alias }';"
      "    ip -o address show dev \"$name\" | awk '{ print \"  \" $3 \" \" $4 }' | sort;"
      "  done ) | sed 's/ linkdown//;s/ *$//'");
}

void must_apply(LinuxHost& host, const Target& target) {
  auto made = plan(host, target);
  if (!made) throw std::runtime_error("plan: " + made.error().message());
  ApplyOptions options;
  options.prune = true;
  options.who = "test";
  const auto outcome = apply(host, *made, options, {});
  if (!outcome) throw std::runtime_error("apply: " + outcome.error().message());
  const auto again = plan(host, target);
  REQUIRE(again.has_value());
  CHECK(again->changes.empty());
}

void check_golden(const fs::path& path, const std::string& actual) {
  if (accepting()) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  INFO(path.string());
  REQUIRE(fs::exists(path));
  CHECK(read_text(path) == actual);
}

std::set<std::string> files_below(const fs::path& folder) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.insert(fs::relative(entry.path(), folder).generic_string());
  }
  return files;
}

TEST_CASE("the kernel lists each example on each node as its golden file says") {
  const fs::path folder = source_folder() / "golden/loaded";
  if (accepting()) fs::remove_all(folder);
  std::set<std::string> written;
  for (const Example& example : examples()) {
    for (const Peer& peer : example.config.peers) {
      INFO(example.name << " on " << peer.name.value);
      Machine machine;
      must_run("ip address add 192.0.2.77/24 dev eth1 && ip route add default via 192.0.2.1");
      const std::string before = must_run("ip rule; ip -6 rule; ip -br address; nft list tables");
      must_apply(machine.host,
                 target_of(compile(example.config, peer.name.value), example.config, example.text));
      const std::string file = example.name + '/' + peer.name.value + ".txt";
      check_golden(folder / file, listing());
      written.insert(file);
      must_apply(machine.host, empty_target(peer.name.value));
      CHECK(must_run("ip rule; ip -6 rule; ip -br address; nft list tables") == before);
    }
  }
  CHECK(files_below(folder) == written);
}

}  // namespace
}  // namespace arctic::test
