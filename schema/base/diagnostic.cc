#include "schema/base/diagnostic.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "schema/base/key.h"

namespace arctic {
namespace {

constexpr std::size_t kShownBytes = 120;  // of a source line
constexpr std::size_t kBytesBefore = 40;  // of them before the span, where the line is cut
constexpr std::size_t kQuotedBytes = 60;  // of a text inside a reason
constexpr std::size_t kLongestWord = 64;  // nothing longer is taken for a typing error

const char* colour_of(Severity severity) {
  switch (severity) {
    case Severity::kWarning:
      return "\x1b[1;33m";
    case Severity::kNote:
      return "\x1b[1;36m";
    case Severity::kError:
      break;
  }
  return "\x1b[1;31m";
}

bool printable(char byte) { return byte >= 0x20 && byte < 0x7f; }

void append_escaped(std::string& out, char byte) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (printable(byte)) {
    out.push_back(byte);
  } else if (byte == '\t') {
    out.push_back(' ');
  } else {
    const auto value = static_cast<unsigned char>(byte);
    out += {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
  }
}

std::string_view line_of(std::string_view text, std::size_t number) {
  std::size_t start = 0;
  for (std::size_t line = 1; line < number; ++line) {
    const std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) return {};
    start = end + 1;
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (start == 0 && text.substr(0, 3) == kByteOrderMark) start = 3;
  std::string_view line = text.substr(start, text.find('\n', start) - start);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// The source line and the caret run below it; both empty if there is nothing to show.
std::pair<std::string, std::string> excerpt(std::string_view line, const Span& span) {
  if (line.find_first_not_of(" \t") == std::string_view::npos) return {};
  const std::size_t begin = std::min(span.column == 0 ? 0 : span.column - 1, line.size());
  const std::size_t end = std::min(line.size(), begin + std::max<std::size_t>(span.length, 1));
  std::size_t from = 0;
  std::size_t to = line.size();
  if (line.size() > kShownBytes) {
    from = begin > kBytesBefore ? begin - kBytesBefore : 0;
    to = std::min(line.size(), from + kShownBytes);
  }
  std::string shown = from > 0 ? "..." : "";
  std::string carets;
  for (std::size_t i = from; i < to; ++i) {
    const std::size_t before = shown.size();
    if (i == begin) carets.assign(before, ' ');
    append_escaped(shown, line[i]);
    if (i >= begin && i < end) carets.append(shown.size() - before, '^');
  }
  if (begin >= to) carets = std::string(shown.size(), ' ') + '^';
  if (to < line.size()) shown += "...";
  return {shown, carets};
}

// A file-wide note ("… are not shown") closes the list; other file-wide problems open it.
std::size_t place(const Diagnostic& d) {
  const bool closing = d.span.line == 0 && d.severity == Severity::kNote;
  return closing ? std::numeric_limits<std::size_t>::max() : d.span.line;
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
// `limit + 1` stands for everything above the limit.
std::size_t alignment_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit) return limit + 1;
  std::array<std::array<std::size_t, kLongestWord + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& above2 = rows[(i + 1) % 3];
    row[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], above2[j - 2] + 1);
      }
      least = std::min(least, row[j]);
    }
    if (least > limit + 1) return limit + 1;
  }
  return std::min(rows[a.size() % 3][b.size()], limit + 1);
}

}  // namespace

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
    case Severity::kError:
      break;
  }
  return "error";
}

void Diagnostics::add(Severity severity, int rule, Span span, std::string reason,
                      std::string help) {
  const std::size_t kind = static_cast<std::size_t>(severity);
  const std::size_t count = ++counts_[kind];
  if (count <= kMaxOfOneSeverity) {
    all_.push_back({severity, rule, span, std::move(reason), std::move(help)});
  } else if (count == kMaxOfOneSeverity + 1) {
    all_.push_back({Severity::kNote,
                    0,
                    Span{},
                    "there are more than " + std::to_string(kMaxOfOneSeverity) + " " +
                        std::string(to_string(severity)) + "s; the rest is not shown",
                    {}});
  }
}

void Diagnostics::error(int rule, Span span, std::string reason, std::string help) {
  add(Severity::kError, rule, span, std::move(reason), std::move(help));
}

void Diagnostics::warning(int rule, Span span, std::string reason, std::string help) {
  add(Severity::kWarning, rule, span, std::move(reason), std::move(help));
}

void Diagnostics::note(int rule, Span span, std::string reason, std::string help) {
  add(Severity::kNote, rule, span, std::move(reason), std::move(help));
}

void Diagnostics::sort() {
  std::stable_sort(all_.begin(), all_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::make_tuple(place(a), a.span.column, a.severity) <
           std::make_tuple(place(b), b.span.column, b.severity);
  });
  // What stands behind an anchor is read once for every alias.
  const auto end = std::unique(all_.begin(), all_.end(), [&](const auto& a, const auto& b) {
    const bool same = a == b;
    if (same) --counts_[static_cast<std::size_t>(b.severity)];
    return same;
  });
  all_.erase(end, all_.end());
}

std::string quoted(std::string_view text) {
  if (looks_like_key(text)) return "`(a key)`";
  std::string out = "`";
  for (const char byte : text.substr(0, kQuotedBytes)) append_escaped(out, byte);
  if (text.size() > kQuotedBytes) out += "...";
  return out + "`";
}

std::string render(const Diagnostic& diagnostic, std::string_view file_name,
                   std::string_view file_text, bool colour) {
  const auto paint = [&](const char* escape, std::string_view text) {
    return colour ? escape + std::string(text) + "\x1b[0m" : std::string(text);
  };
  std::string where(file_name);
  if (diagnostic.span.line > 0) {
    where += ":" + std::to_string(diagnostic.span.line) + ":" +
             std::to_string(std::max<std::size_t>(diagnostic.span.column, 1));
  }
  std::string out =
      paint("\x1b[1m", where + ":") + " " +
      paint(colour_of(diagnostic.severity), std::string(to_string(diagnostic.severity)) + ":") +
      " " + diagnostic.reason + "\n";
  if (diagnostic.span.line > 0) {
    const std::string_view line = line_of(file_text, diagnostic.span.line);
    const bool secret = may_hold_private_key(line);
    if (secret) out += "(the line is not shown: it may hold a private key)\n";
    const auto [shown, carets] = excerpt(line, diagnostic.span);
    if (!secret && !shown.empty()) out += shown + "\n" + paint("\x1b[1;32m", carets) + "\n";
  }
  if (!diagnostic.help.empty()) out += "help: " + diagnostic.help + "\n";
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kLongestWord) return {};
  // One edit of a one-letter word leaves nothing of it.
  std::size_t limit = std::min(std::max<std::size_t>(word.size() / 3, 1), word.size() - 1);
  std::string_view best;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongestWord) continue;
    const std::size_t distance = alignment_distance(word, candidate, limit);
    if (distance > limit) continue;
    best = candidate;
    if (distance == 0) break;
    limit = distance - 1;
  }
  return best;
}

}  // namespace arctic
