#include "cli/unified_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace arctic::cli {

namespace {

constexpr std::size_t kContext = 3;
constexpr int kMostEdits = 2000;  // bounds time and memory at a few million steps

using Lines = std::vector<std::string_view>;  // each with its newline

Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

// One line of the result: ' ', '-' or '+', and where both texts stood before it.
struct Edit {
  char sign;
  std::size_t old_at;
  std::size_t new_at;
};

// Myers' greedy algorithm: the furthest point on each diagonal for 0, 1, 2, … edits. The furthest
// points of each round are kept to walk the way back. Empty if more than kMostEdits are needed.
std::vector<std::vector<int>> rounds_to_end(const Lines& a, const Lines& b) {
  const int n = static_cast<int>(a.size());
  const int m = static_cast<int>(b.size());
  std::vector<std::vector<int>> rounds;
  std::vector<int> furthest(2 * kMostEdits + 3, 0);
  const auto at = [&](int diagonal) -> int& {
    const int index = diagonal + kMostEdits + 1;
    return furthest[static_cast<std::size_t>(index)];
  };
  for (int edits = 0; edits <= kMostEdits; ++edits) {
    for (int k = -edits; k <= edits; k += 2) {
      const bool down = k == -edits || (k != edits && at(k - 1) < at(k + 1));
      int x = down ? at(k + 1) : at(k - 1) + 1;
      while (x < n && x - k < m && x >= 0 && x - k >= 0 &&
             a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(x - k)]) {
        ++x;
      }
      at(k) = x;
      if (x >= n && x - k >= m) {
        rounds.emplace_back(&at(-edits), &at(edits) + 1);
        return rounds;
      }
    }
    rounds.emplace_back(&at(-edits), &at(edits) + 1);
  }
  return {};
}

std::vector<char> signs_between(const Lines& a, const Lines& b) {
  const auto rounds = rounds_to_end(a, b);
  std::vector<char> signs;
  if (rounds.empty()) {
    signs.assign(a.size(), '-');
    signs.insert(signs.end(), b.size(), '+');
    return signs;
  }
  int x = static_cast<int>(a.size());
  int y = static_cast<int>(b.size());
  for (int edits = static_cast<int>(rounds.size()) - 1; edits > 0; --edits) {
    const auto& before = rounds[static_cast<std::size_t>(edits) - 1];
    // Round e keeps its diagonals -e..e; those beyond it were never reached.
    const auto at = [&](int k) {
      return std::abs(k) > edits - 1 ? -1 : before[static_cast<std::size_t>(k + edits - 1)];
    };
    const int k = x - y;
    const bool down = k == -edits || (k != edits && at(k - 1) < at(k + 1));
    const int from_k = down ? k + 1 : k - 1;
    const int from_x = at(from_k);
    const int from_y = from_x - from_k;
    for (; x > from_x + (down ? 0 : 1) && y > from_y + (down ? 1 : 0); --x, --y) {
      signs.push_back(' ');
    }
    signs.push_back(down ? '+' : '-');
    x = from_x;
    y = from_y;
  }
  signs.insert(signs.end(), static_cast<std::size_t>(x), ' ');
  std::reverse(signs.begin(), signs.end());
  return signs;
}

std::vector<Edit> edits_between(const Lines& a, const Lines& b) {
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  using Step = Lines::difference_type;
  const Lines middle_a(a.begin() + static_cast<Step>(head), a.end() - static_cast<Step>(tail));
  const Lines middle_b(b.begin() + static_cast<Step>(head), b.end() - static_cast<Step>(tail));
  std::vector<char> signs(head, ' ');
  const std::vector<char> middle = signs_between(middle_a, middle_b);
  signs.insert(signs.end(), middle.begin(), middle.end());
  signs.insert(signs.end(), tail, ' ');
  std::vector<Edit> edits;
  std::size_t old_at = 0;
  std::size_t new_at = 0;
  for (const char sign : signs) {
    edits.push_back({sign, old_at, new_at});
    if (sign != '+') ++old_at;
    if (sign != '-') ++new_at;
  }
  return edits;
}

std::string range_text(std::size_t start, std::size_t count) {
  if (count == 0) return fmt::format("{},0", start);
  return count == 1 ? fmt::format("{}", start + 1) : fmt::format("{},{}", start + 1, count);
}

std::string hunk_text(const std::vector<Edit>& edits, std::size_t from, std::size_t to,
                      const Lines& a, const Lines& b) {
  std::size_t old_count = 0;
  std::size_t new_count = 0;
  std::string body;
  for (std::size_t i = from; i < to; ++i) {
    const Edit& edit = edits[i];
    if (edit.sign != '+') ++old_count;
    if (edit.sign != '-') ++new_count;
    const std::string_view line = edit.sign == '+' ? b[edit.new_at] : a[edit.old_at];
    body += edit.sign;
    body += line;
    if (line.back() != '\n') body += "\n\\ No newline at end of file\n";
  }
  return fmt::format("@@ -{} +{} @@\n{}", range_text(edits[from].old_at, old_count),
                     range_text(edits[from].new_at, new_count), body);
}

}  // namespace

std::string unified_diff(std::string_view old_name, std::string_view new_name,
                         std::string_view old_text, std::string_view new_text) {
  if (old_text == new_text) return {};
  const Lines a = split(old_text);
  const Lines b = split(new_text);
  const std::vector<Edit> edits = edits_between(a, b);
  std::string text = fmt::format("--- {}\n+++ {}\n", old_name, new_name);
  const auto is_change = [](const Edit& edit) { return edit.sign != ' '; };
  auto change = std::find_if(edits.begin(), edits.end(), is_change);
  while (change != edits.end()) {
    const auto start = static_cast<std::size_t>(change - edits.begin());
    const std::size_t from = start > kContext ? start - kContext : 0;
    std::size_t last = start;
    for (std::size_t i = start; i < edits.size() && i <= last + 2 * kContext + 1; ++i) {
      if (is_change(edits[i])) last = i;
    }
    const std::size_t to = std::min(edits.size(), last + kContext + 1);
    text += hunk_text(edits, from, to, a, b);
    change = std::find_if(edits.begin() + static_cast<std::ptrdiff_t>(to), edits.end(), is_change);
  }
  return text;
}

}  // namespace arctic::cli
