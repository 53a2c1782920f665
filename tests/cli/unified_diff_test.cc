#include "cli/unified_diff.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/cli/program.h"

namespace arctic::test {

namespace {

std::string random_text(std::mt19937& random, std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) text += std::string(1, "abcd"[random() % 4]) + "\n";
  if (!text.empty() && random() % 3 == 0) text.pop_back();
  return text;
}

std::size_t changed_lines(const std::string& diff) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = diff.find('\n', at)) != std::string::npos;) {
    ++at;
    if (at < diff.size() && (diff[at] == '+' || diff[at] == '-')) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a unified diff is what diff -u prints", "[cli]") {
  struct Row {
    std::string before;
    std::string after;
    std::string diff;
  };
  const Row rows[] = {
      {"a\n", "a\n", ""},
      {"", "a\n", "@@ -0,0 +1 @@\n+a\n"},
      {"a\n", "", "@@ -1 +0,0 @@\n-a\n"},
      {"a\nb\n", "a\nc\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"},
      {"a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
       "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
      {"x\n1\n2\n3\n4\n5\n6\n7\ny\n", "1\n2\n3\n4\n5\n6\n7\n",
       "@@ -1,4 +1,3 @@\n-x\n 1\n 2\n 3\n@@ -6,4 +5,3 @@\n 5\n 6\n 7\n-y\n"},
      {"x\n1\n2\n3\n4\n5\n6\ny\n", "1\n2\n3\n4\n5\n6\n",
       "@@ -1,8 +1,6 @@\n-x\n 1\n 2\n 3\n 4\n 5\n 6\n-y\n"},
  };
  for (const Row& row : rows) {
    const std::string head = row.diff.empty() ? "" : "--- old\n+++ new\n";
    CHECK(cli::unified_diff("old", "new", row.before, row.after) == head + row.diff);
  }
}

TEST_CASE("a unified diff is a patch that makes the new text", "[cli]") {
  std::mt19937 random(11);
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  std::string script = "set -e\n";
  constexpr int kRounds = 150;
  for (int i = 0; i < kRounds; ++i) {
    const std::string name = std::to_string(i);
    const std::string before = random_text(random, random() % 30);
    const std::string after = random_text(random, random() % 30);
    const std::string diff = cli::unified_diff("f" + name, "f" + name, before, after);
    folder.write("f" + name, before);
    folder.write("new" + name, after);
    folder.write("p" + name, diff);
    if (diff.empty()) continue;
    script += "git apply -p0 p" + name + " && cmp f" + name + " new" + name + "\n";
  }
  const Ran ran = shell(place, script);
  INFO(ran.out << ran.err);
  CHECK(ran.status == 0);
}

TEST_CASE("a unified diff changes no more lines than it must", "[cli]") {
  // Longest common subsequence by the plain quadratic table.
  std::mt19937 random(12);
  for (int round = 0; round < 300; ++round) {
    const std::string a = random_text(random, random() % 25);
    const std::string b = random_text(random, random() % 25);
    std::vector<std::string> lines[2];
    for (int side = 0; side < 2; ++side) {
      const std::string& text = side == 0 ? a : b;
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
        lines[side].push_back(text.substr(at, end - at + 1));
        at = end + 1;
      }
    }
    const auto& x = lines[0];
    const auto& y = lines[1];
    std::vector<std::vector<std::size_t>> common(x.size() + 1,
                                                 std::vector<std::size_t>(y.size() + 1, 0));
    for (std::size_t i = 1; i <= x.size(); ++i) {
      for (std::size_t j = 1; j <= y.size(); ++j) {
        common[i][j] = x[i - 1] == y[j - 1] ? common[i - 1][j - 1] + 1
                                            : std::max(common[i - 1][j], common[i][j - 1]);
      }
    }
    const std::string diff = cli::unified_diff("o", "n", a, b);
    INFO(diff);
    // The two header lines also begin with a sign; only the second follows a newline.
    const std::size_t expected = x.size() + y.size() - 2 * common[x.size()][y.size()];
    CHECK((diff.empty() ? 0 : changed_lines(diff) - 1) == expected);
  }
}

TEST_CASE("a unified diff of texts with nothing in common is done in time", "[cli]") {
  std::string a;
  std::string b;
  for (int i = 0; i < 20000; ++i) {
    a += "a" + std::to_string(i) + "\n";
    b += "b" + std::to_string(i) + "\n";
  }
  const std::string diff = cli::unified_diff("o", "n", a, b);
  CHECK(diff.find("@@ -1,20000 +1,20000 @@") != std::string::npos);
}

}  // namespace arctic::test
