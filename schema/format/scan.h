// YAML text → logical lines: what stands on each, without its white space.
//
// A logical line is a comment, a blank line, or one entry of a block collection with all physical
// lines of its scalar or flow value. Knows enough of YAML to tell comments, quotes, block scalars
// and flow collections apart, and no more: format_config proves the result with the real reader.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace arctic::format {

/// A collection that a line has an entry of: `- - a: 1` has three.
struct Entry {
  std::size_t column = 0;
  bool sequence = false;
};

enum class TailKind { kBlank, kIndented, kBlock };

/// A physical line after the first of a logical one.
struct Tail {
  TailKind kind = TailKind::kBlank;
  std::size_t depth = 0;  ///< kIndented: flow brackets open at its start
  std::string text;       ///< kBlock: with what it is indented more than the block
};

enum class LineKind { kBlank, kComment, kMarker, kEntry, kScalar };

struct Line {
  LineKind kind = LineKind::kBlank;
  std::size_t column = 0;
  std::vector<Entry> entries;  ///< kEntry: outermost first
  std::string key;             ///< kEntry: of the innermost, if that is a mapping
  bool has_value = false;      ///< something stands behind the colon or dash
  std::string text;            ///< the first physical line, spaced as it should be
  std::vector<Tail> tail;
  std::size_t block_indent = 0;  ///< that a block scalar names itself; 0: none
  bool open_end = false;         ///< blank lines behind it are part of its value
};

class Scanner {
 public:
  /// REQUIRES: `text` has no carriage returns, and outlives the scanner.
  explicit Scanner(std::string_view text) : text_(text) {}

  /// The next line up to its value; nullopt at the end. For kEntry and kScalar, value() must
  /// follow.
  [[nodiscard]] std::optional<Line> head();
  /// The rest of it. `parent`: the column of the collection that the value belongs to, -1 for none.
  void value(Line& line, long parent);

  /// A quote or bracket was never closed: the lines are worth nothing.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  void read_dashes(Line& line, std::size_t start);
  void read_key(Line& line, std::size_t start);
  void read_properties();
  void read_quoted(Line& line);
  void read_flow(Line& line);
  void read_plain(Line& line, long parent);
  void read_block(Line& line, long parent);
  void read_rest(Line& line);

  [[nodiscard]] std::size_t key_end() const;
  [[nodiscard]] std::size_t quoted_end(std::size_t from) const;
  [[nodiscard]] std::size_t plain_end(std::size_t from) const;
  [[nodiscard]] std::size_t line_end(std::size_t from) const;
  [[nodiscard]] std::size_t after_blanks(std::size_t from) const;
  [[nodiscard]] char at(std::size_t place) const {
    return place < text_.size() ? text_[place] : '\n';
  }
  [[nodiscard]] bool ends_word(std::size_t place) const;

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace arctic::format
