// What a change of the file changes on each node, in words: golden/diff.
//
// A case is a folder with new.yaml, old.yaml (none: the node is empty), and a text per node whose
// state changes. ARCTIC_GOLDEN_ACCEPT=1 writes the texts anew instead of comparing.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "compiler/diff.h"
#include "example_files.h"

namespace arctic::test {
namespace {

namespace fs = std::filesystem;

/// The files of the runtimes are compared by their digest here, and word by word in golden/compile.
void append(std::string& text, const char* phase, const std::vector<Change>& changes) {
  if (changes.empty()) return;
  text += std::string(phase) + ":\n";
  for (const Change& change : changes) {
    const Description d = describe(change);
    text += d.action == Action::kAdd ? "  + " : d.action == Action::kRemove ? "  - " : "  ~ ";
    text += d.kind + ' ' + d.identity;
    if (!d.before.empty()) text += " [" + d.before + "]";
    if (!d.after.empty()) text += " => [" + d.after + "]";
    if (!d.reason.empty()) text += " (" + d.reason + ")";
    text += '\n';
  }
}

std::string in_words(const Changes& changes) {
  std::string text;
  append(text, "prepare", changes.prepare);
  append(text, "nft", changes.nft);
  append(text, "files", changes.files);
  append(text, "retire", changes.retire);
  return text;
}

/// As the host keeps it after an apply: sysctls of the node with the value before.
NodeState applied(NodeState state) {
  for (auto& [path, sysctl] : state.sysctls) {
    if (sysctl.of_link.empty()) sysctl.before = "0";
  }
  return state;
}

NodeState state_of(const std::optional<Config>& config, const std::string& node) {
  if (!config || config->find_peer(node) == nullptr) return {};
  return compile(*config, node).desired;
}

void check_case(const fs::path& folder, bool accept) {
  INFO(folder.string());
  std::optional<Config> before;
  if (fs::exists(folder / "old.yaml")) before = clean_config(read_text(folder / "old.yaml"));
  const Config after = clean_config(read_text(folder / "new.yaml"));
  std::set<std::string> expected_files, files;
  for (const Peer& peer : after.peers) {
    const std::string& node = peer.name.value;
    const Changes changes = diff(applied(state_of(before, node)), state_of(after, node));
    const fs::path file = folder / (node + ".txt");
    if (changes.empty()) {
      if (accept) fs::remove(file);
      continue;
    }
    files.insert(file.string());
    if (accept) std::ofstream(file, std::ios::binary) << in_words(changes);
    REQUIRE(fs::exists(file));
    CHECK(read_text(file) == in_words(changes));
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") expected_files.insert(entry.path().string());
  }
  CHECK(files == expected_files);
}

TEST_CASE("a change of the file, as each node's changes in words") {
  const char* value = std::getenv("ARCTIC_GOLDEN_ACCEPT");
  const bool accept = value != nullptr && std::string(value) == "1";
  std::set<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(source_folder() / "golden/diff")) {
    folders.insert(entry.path());
  }
  REQUIRE(folders.size() >= 10);
  for (const fs::path& folder : folders) check_case(folder, accept);
}

}  // namespace
}  // namespace arctic::test
