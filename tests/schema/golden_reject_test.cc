// golden/reject: what people read when a file is not in order, word for word.
//
// Each folder holds an arctic.yaml and the expected.txt of all its problems. With
// ARCTIC_GOLDEN_ACCEPT=1 the texts are written instead of compared.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/load.h"
#include "tests/schema/text_file.h"

namespace arctic {
namespace {

namespace fs = std::filesystem;

constexpr int kRules = 20;

const fs::path kCases = fs::path(ARCTIC_SOURCE_DIR) / "golden" / "reject";

std::vector<fs::path> cases() {
  std::set<fs::path> sorted;
  for (const auto& entry : fs::directory_iterator(kCases)) {
    if (entry.is_directory()) sorted.insert(entry.path());
  }
  return {sorted.begin(), sorted.end()};
}

Diagnostics diagnose(const std::string& text) {
  Diagnostics diagnostics;
  static_cast<void>(load(text, diagnostics));
  return diagnostics;
}

std::string render_all(const Diagnostics& diagnostics, const std::string& text) {
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) out += render(d, "arctic.yaml", text, false);
  return out;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

// The lines around the first difference, as a reader wants them.
std::string difference(const std::string& expected, const std::string& actual) {
  const auto before = lines(expected);
  const auto after = lines(actual);
  std::size_t at = 0;
  while (at < before.size() && at < after.size() && before[at] == after[at]) ++at;
  std::string out = "from line " + std::to_string(at + 1) + ":\n";
  for (std::size_t i = at; i < std::min(before.size(), at + 6); ++i) out += "- " + before[i] + "\n";
  for (std::size_t i = at; i < std::min(after.size(), at + 6); ++i) out += "+ " + after[i] + "\n";
  return out;
}

TEST_CASE("every rejected file gets the expected text") {
  const bool accept = std::getenv("ARCTIC_GOLDEN_ACCEPT") != nullptr;
  std::string wrong;
  for (const fs::path& folder : cases()) {
    const std::string text = read_file(folder / "arctic.yaml");
    const std::string actual = render_all(diagnose(text), text);
    CHECK_FALSE(actual.empty());
    if (accept) {
      write_file(folder / "expected.txt", actual);
      continue;
    }
    const std::string expected = read_file(folder / "expected.txt");
    if (actual != expected) {
      wrong += folder.filename().string() + ", " + difference(expected, actual);
    }
  }
  if (!wrong.empty())
    FAIL(wrong << "If this is right: ARCTIC_GOLDEN_ACCEPT=1, and look at the diff.");
}

TEST_CASE("every rule has a rejected file, at the level of the rule table") {
  const std::map<int, Severity> levels = {{14, Severity::kWarning},
                                          {15, Severity::kWarning},
                                          {16, Severity::kWarning},
                                          {17, Severity::kWarning},
                                          {18, Severity::kNote}};
  std::map<int, std::set<Severity>> seen;
  for (const fs::path& folder : cases()) {
    const Diagnostics diagnostics = diagnose(read_file(folder / "arctic.yaml"));
    for (const Diagnostic& d : diagnostics.all()) seen[d.rule].insert(d.severity);
  }
  for (int rule = 1; rule <= kRules; ++rule) {
    INFO("rule " << rule);
    const auto level = levels.find(rule);
    const Severity expected = level == levels.end() ? Severity::kError : level->second;
    CHECK(seen[rule] == std::set<Severity>{expected});
  }
}

TEST_CASE("a folder begins with the number of a rule that it shows") {
  for (const fs::path& folder : cases()) {
    const std::string name = folder.filename().string();
    INFO(name);
    const int number = std::stoi(name.substr(0, 2));
    if (number < 1 || number > kRules) continue;
    std::set<int> rules;
    const Diagnostics diagnostics = diagnose(read_file(folder / "arctic.yaml"));
    for (const Diagnostic& d : diagnostics.all()) rules.insert(d.rule);
    CHECK(rules.count(number) == 1);
  }
}

TEST_CASE("a file of the old version lacks nothing but public keys") {
  const Diagnostics diagnostics = diagnose(read_file(kCases / "90-old-compose-file/arctic.yaml"));
  std::vector<std::string> errors;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) errors.push_back(d.reason);
    CHECK((d.severity == Severity::kError || d.rule == 18));
  }
  CHECK(errors == std::vector<std::string>{
                      "peer `syd` has no `public_key`, which service `syd-to-lon` needs",
                      "peer `lon` has no `public_key`, which service `syd-to-lon` needs"});
}

}  // namespace
}  // namespace arctic
