// What the kernel makes of each example's ruleset.nft is exactly the table that we program over
// netlink: the same chains, expressions, elements and comments. Needs root; every table is loaded
// in a network namespace of its own.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "compiler/diff.h"
#include "example_files.h"
#include "runtime/host/linux_host.h"
#include "tests/compiler/network_conditions.h"
#include "tests/support/netns.h"

namespace arctic::test {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("arctic-load-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string shown(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) {
    const Description words = describe(change);
    text += words.kind + ' ' + words.identity + ": " + words.before + " -> " + words.after + '\n';
    if (text.size() > 4000) break;
  }
  return text;
}

/// Loads the text as often as asked and compares what the kernel has with the desired table.
void check_loaded(const Compiled& compiled, int times) {
  const Scratch scratch;
  const fs::path file = scratch.path() / "ruleset.nft";
  std::ofstream(file, std::ios::binary) << compiled.artifacts.ruleset_nft;
  const Netns netns;
  const Netns::Inside inside(netns);
  for (int i = 0; i < times; ++i) must_run("nft -f " + file.string());
  LinuxHost host(scratch.path().string());
  NodeState desired;
  desired.table = compiled.desired.table;
  const Result<NodeState> actual = host.observe(desired, {});
  REQUIRE(actual);
  const std::vector<Change> left = diff(*actual, desired).nft;
  INFO(shown(left));
  CHECK(left.empty());
  CHECK(actual->table == desired.table);
}

TEST_CASE("nft makes of each example's ruleset what we program") {
  for (const Example& example : examples()) {
    for (const Peer& peer : example.config.peers) {
      INFO(example.name << ", " << peer.name.value);
      check_loaded(compile(example.config, peer.name.value), 1);
    }
  }
}

TEST_CASE("nft makes of each condition on networks what we program") {
  NodeState state;
  state.table.emplace();
  std::vector<nft::Rule>& rules = state.table->chains["networks"].rules;
  for (const nft::Statement& condition : network_conditions()) {
    rules.push_back(nft::make_rule({condition, nft::accept()}, std::to_string(rules.size())));
  }
  Compiled compiled;
  compiled.artifacts.ruleset_nft = emit_ruleset(state);
  compiled.desired = std::move(state);
  check_loaded(compiled, 1);
}

TEST_CASE("a ruleset replaces the one before it") {
  const Example example = examples().front();
  check_loaded(compile(example.config, example.config.peers.front().name.value), 3);
}

TEST_CASE("the ruleset of a node without services takes the table away") {
  const Netns netns;
  const Netns::Inside inside(netns);
  must_run("nft add table inet arctic");
  const Scratch scratch;
  const fs::path file = scratch.path() / "ruleset.nft";
  std::ofstream(file, std::ios::binary) << emit_ruleset(NodeState{});
  must_run("nft -f " + file.string());
  CHECK(must_run("nft list tables").empty());
}

/// All that makes names and texts long or odd: 63 characters, every sign, deep nesting, big marks.
std::string odd_configuration() {
  std::string text =
      "version: v1\n"
      "peers:\n"
      "  - {name: a, address: 192.0.2.1, mark_shift: 19, parent_interface: lo, public_key: "
      "\"N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk=\"}\n"
      "  - {name: PEER, address: 192.0.2.2, public_key: "
      "\"kBKprsVFyGK0GRz19nQrMo1UgeZSHdLl5D5npnhNzlQ=\"}\n"
      "services:\n"
      "  - name: NAME\n"
      "    source_peer: a\n"
      "    target_peer: PEER\n"
      "    transport_type: tcp\n"
      "    on_down: direct\n"
      "    interface: {enabled: true, ipv4: 10.0.0.9/24, ipv6: \"fd00::9/64\"}\n"
      "    routes:\n";
  for (int length = 4; length <= 32; ++length) {
    text += "      - {priority: 1, source_cidr: 240.0.0.0/" + std::to_string(length) +
            ", dest_cidr: 255.255.255." + std::to_string(length) + "}\n";
  }
  for (int length = 1; length <= 128; length += 3) {
    text += "      - {priority: 1, source_cidr: \"8000::/" + std::to_string(length) +
            "\", dest_cidr: \"ffff::" + std::to_string(length) + "\"}\n";
  }
  text +=
      "      - {priority: 1, dest_cidr: \"::/0\"}\n      - {priority: 1, dest_cidr: 0.0.0.0/0}\n";
  for (const auto& [word, name] : {std::pair("PEER", "Zone.accept_-6-" + std::string(48, 'x')),
                                   std::pair("NAME", "0.counter-_vmap." + std::string(47, '9'))}) {
    for (std::size_t at; (at = text.find(word)) != std::string::npos;) text.replace(at, 4, name);
  }
  return text;
}

TEST_CASE("long and odd names, deep nesting and the highest marks load too") {
  Diagnostics diagnostics;
  const std::string text = odd_configuration();
  const Config config = load(text, diagnostics);
  REQUIRE(diagnostics.errors() == 0);
  for (const Peer& peer : config.peers) {
    INFO(peer.name.value);
    check_loaded(compile(config, peer.name.value), 1);
  }
}

TEST_CASE("names that nft has for itself load too") {
  for (const char* word :
       {"zone", "pegasus", "ip", "counter", "0", "1.2.3.4", "set", "tcp", "lo"}) {
    std::string text =
        "version: v1\n"
        "peers:\n"
        "  - {name: entry, address: 192.0.2.1, public_key: "
        "\"N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk=\"}\n"
        "  - {name: 'WORD', address: 192.0.2.2, public_key: "
        "\"kBKprsVFyGK0GRz19nQrMo1UgeZSHdLl5D5npnhNzlQ=\"}\n"
        "services:\n"
        "  - {name: 'WORD', source_peer: entry, target_peer: 'WORD', transport_type: tcp,\n"
        "     routes: [{priority: 1, source_cidr: 10.0.0.0/8, dest_cidr: 10.0.0.0/8}]}\n";
    for (std::size_t at; (at = text.find("WORD")) != std::string::npos;) text.replace(at, 4, word);
    INFO(word);
    const Config config = clean_config(text);
    check_loaded(compile(config, "entry"), 1);
    check_loaded(compile(config, word), 1);
  }
}

}  // namespace
}  // namespace arctic::test
