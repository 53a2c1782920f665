// Problems of a text file, each with its place, and how they are shown.
//
// The YAML reader and the checks add to one Diagnostics; nobody stops at the first problem. The
// rendered form is `file:line:column: error: reason`, the source line, a caret run under the text
// meant, and `help: …`.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace arctic {

/// A run of text on one line. Lines and columns count from 1, columns in bytes.
struct Span {
  std::size_t line = 0;  ///< 0: the problem has no place in the text (the file as a whole)
  std::size_t column = 0;
  std::size_t length = 1;  ///< bytes to underline, at least 1

  friend auto operator<=>(const Span&, const Span&) = default;
};

enum class Severity { kError, kWarning, kNote };

/// "error", "warning", "note".
[[nodiscard]] const char* to_string(Severity severity);

struct Diagnostic {
  Severity severity = Severity::kError;
  int rule = 0;  ///< the number in the rule table; 0 for what no rule covers (not YAML, unreadable)
  Span span;
  std::string reason;
  std::string help;  ///< may be empty

  friend auto operator<=>(const Diagnostic&, const Diagnostic&) = default;
};

class Diagnostics {
 public:
  /// Of each severity so many are kept; one note then says that there are more. All are counted.
  static constexpr std::size_t kMaxOfOneSeverity = 1000;

  void add(Severity severity, int rule, Span span, std::string reason, std::string help = {});
  void error(int rule, Span span, std::string reason, std::string help = {});
  void warning(int rule, Span span, std::string reason, std::string help = {});
  void note(int rule, Span span, std::string reason, std::string help = {});

  [[nodiscard]] bool has_errors() const { return errors() > 0; }
  [[nodiscard]] std::size_t errors() const { return counts_[0]; }
  [[nodiscard]] std::size_t warnings() const { return counts_[1]; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  /// By place, then severity; a rule's problems at one place keep their order. Equal ones become
  /// one.
  void sort();

 private:
  std::vector<Diagnostic> all_;
  std::array<std::size_t, 3> counts_{};  ///< by Severity
};

/// A text of the user's between backquotes, for reasons and helps: control and non-ASCII bytes
/// escaped, a long one cut; of a key only that it is one. Never put the user's bytes into a message
/// without it.
[[nodiscard]] std::string quoted(std::string_view text);

/// One diagnostic as text, each line ended by a newline. Control and non-ASCII bytes of the source
/// line are shown escaped, tabs as one space, and a long line is cut around the span; a line that
/// may hold a private key is not shown.
/// `colour` adds ANSI escapes.
[[nodiscard]] std::string render(const Diagnostic& diagnostic, std::string_view file_name,
                                 std::string_view file_text, bool colour);

/// The candidate nearest to `word` if it is near enough to be a typing error
/// (optimal string alignment distance at most a third of the length, at least 1), else empty.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

}  // namespace arctic
