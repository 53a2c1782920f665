#include "schema/format/layout.h"

#include <cstddef>
#include <vector>

#include "schema/format/scan.h"

namespace arctic::format {

namespace {

constexpr std::size_t kStep = 2;

// An open block collection: where it stands in the old text and in the new one.
struct Level {
  std::size_t old_column = 0;
  std::size_t new_column = 0;
  bool sequence = false;
};

// What wants a blank line before it.
enum class Role { kNone, kSection, kItem };

struct Placed {
  LineKind kind = LineKind::kBlank;
  std::size_t indent = 0;
  Role role = Role::kNone;
  bool first_of_list = false;
  bool opens = false;  // the key of a section whose content follows
  bool open_end = false;
  std::string text;  // all its physical lines, without the first one's indentation
  std::size_t physical_lines = 1;
};

class Layout {
 public:
  explicit Layout(std::string_view text) : scanner_(text) {}

  std::optional<std::string> run() {
    while (auto line = scanner_.head()) take(std::move(*line));
    if (scanner_.failed()) return std::nullopt;
    place_waiting(stack_, 0, 0);
    return joined();
  }

 private:
  void take(Line line) {
    if (line.kind == LineKind::kBlank || line.kind == LineKind::kComment) {
      waiting_.push_back(std::move(line));
      return;
    }
    const std::vector<Level> before = stack_;
    Placed placed;
    placed.kind = line.kind;
    if (line.kind == LineKind::kMarker) {
      stack_.clear();
    } else {
      place(line, placed);
    }
    place_waiting(before, line.column, placed.indent);
    finish(line, placed);
    placed_.push_back(std::move(placed));
  }

  // Finds the new column of the line, and opens and closes collections on the way.
  void place(const Line& line, Placed& placed) {
    for (std::size_t i = 0; i < line.entries.size(); ++i) {
      const bool opened = enter(line.entries[i]);
      if (i == 0) {
        placed.indent = stack_.back().new_column;
        placed.first_of_list = opened;
        placed.role = role_of();
      }
    }
    if (line.kind == LineKind::kEntry) {
      if (stack_.size() == 1 && !stack_.back().sequence) section_ = line.key;
      return;
    }
    while (!stack_.empty() && stack_.back().old_column >= line.column) stack_.pop_back();
    placed.indent = base();
  }

  // True if the entry is the first of its collection.
  bool enter(const Entry& entry) {
    while (!stack_.empty() && (stack_.back().old_column > entry.column ||
                               (stack_.back().old_column == entry.column &&
                                stack_.back().sequence && !entry.sequence))) {
      stack_.pop_back();
    }
    const bool known = !stack_.empty() && stack_.back().old_column == entry.column &&
                       stack_.back().sequence == entry.sequence;
    if (!known) stack_.push_back({entry.column, base(), entry.sequence});
    return !known;
  }

  // Where a value of the innermost collection stands.
  [[nodiscard]] std::size_t base() const {
    return stack_.empty() ? 0 : stack_.back().new_column + kStep;
  }

  [[nodiscard]] Role role_of() const {
    if (stack_.size() == 1 && !stack_.back().sequence) return Role::kSection;
    const bool item = stack_.size() == 2 && stack_.back().sequence && !stack_.front().sequence &&
                      (section_ == "peers" || section_ == "services");
    return item ? Role::kItem : Role::kNone;
  }

  void finish(Line& line, Placed& placed) {
    if (line.kind != LineKind::kMarker) {
      const long parent = stack_.empty() ? -1 : static_cast<long>(stack_.back().old_column);
      scanner_.value(line, parent);
    }
    placed.opens = line.kind == LineKind::kEntry && !line.has_value;
    placed.open_end = line.open_end;
    placed.text = std::move(line.text);
    placed.physical_lines += line.tail.size();
    const std::size_t block =
        base() + (line.block_indent > 0 ? line.block_indent - kStep : std::size_t{0});
    for (const Tail& tail : line.tail) {
      placed.text += '\n';
      if (tail.kind == TailKind::kBlank) continue;
      placed.text.append(tail.kind == TailKind::kBlock ? block : base() + kStep * tail.depth, ' ');
      placed.text += tail.text;
    }
  }

  // Comments and blank lines before a line: a comment stays with the collection that it stood in.
  void place_waiting(const std::vector<Level>& before, std::size_t next_old, std::size_t next_new) {
    for (Line& line : waiting_) {
      Placed placed;
      placed.kind = line.kind;
      placed.indent = next_new;
      placed.text = std::move(line.text);
      if (line.column > next_old) {
        for (const Level& level : before) {
          if (level.old_column <= line.column && level.old_column > next_old) {
            placed.indent = level.new_column;
          }
        }
      }
      placed_.push_back(std::move(placed));
    }
    waiting_.clear();
  }

  // How many physical lines of content the section or item at `from` has.
  [[nodiscard]] std::size_t length_of(std::size_t from) const {
    std::size_t lines = 0;
    for (std::size_t i = from; i < placed_.size() && lines < 2; ++i) {
      const bool ends =
          i > from && (placed_[i].role == placed_[from].role || placed_[i].role == Role::kSection);
      if (ends) break;
      if (is_content(placed_[i])) lines += placed_[i].physical_lines;
    }
    return lines;
  }

  static bool is_content(const Placed& placed) {
    return placed.kind != LineKind::kBlank && placed.kind != LineKind::kComment;
  }

  // Puts a blank line between two sections or two items unless both are one line each, above the
  // comments that belong to the second.
  void add_blank_before(std::size_t at, std::size_t previous_length,
                        std::vector<Placed>& lines) const {
    const Placed& placed = placed_[at];
    if (previous_length < 2 && length_of(at) < 2 && !placed.opens) return;
    std::size_t place = lines.size();
    while (
        place > 0 && !is_content(lines[place - 1]) &&
        (lines[place - 1].kind == LineKind::kBlank || lines[place - 1].indent == placed.indent)) {
      --place;
      if (lines[place].kind == LineKind::kBlank) return;
    }
    if (place > 0 && lines[place - 1].open_end) return;
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(place), Placed());
  }

  [[nodiscard]] std::string joined() const {
    std::vector<Placed> lines;
    std::size_t section_length = 0;
    std::size_t item_length = 0;
    bool content_seen = false;
    for (std::size_t i = 0; i < placed_.size(); ++i) {
      const Placed& placed = placed_[i];
      const bool blank = placed.kind == LineKind::kBlank;
      if (blank && (lines.empty() || lines.back().kind == LineKind::kBlank)) continue;
      if (placed.role == Role::kSection) {
        if (content_seen) add_blank_before(i, section_length, lines);
        section_length = length_of(i);
      } else if (placed.role == Role::kItem) {
        if (!placed.first_of_list) add_blank_before(i, item_length, lines);
        item_length = length_of(i);
      }
      content_seen = content_seen || is_content(placed);
      lines.push_back(placed);
    }
    while (!lines.empty() && lines.back().kind == LineKind::kBlank) lines.pop_back();
    std::string text;
    for (const Placed& placed : lines) {
      if (!placed.text.empty()) text.append(placed.indent, ' ');
      text += placed.text + "\n";
    }
    return text;
  }

  Scanner scanner_;
  std::vector<Level> stack_;
  std::string section_;
  std::vector<Line> waiting_;
  std::vector<Placed> placed_;
};

}  // namespace

std::optional<std::string> lay_out(std::string_view text) { return Layout(text).run(); }

}  // namespace arctic::format
