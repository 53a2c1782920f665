#include "schema/format/scan.h"

#include <algorithm>

namespace arctic::format {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view right_trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view left_trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string& last_text(Line& line) { return line.tail.empty() ? line.text : line.tail.back().text; }

void add_value(Line& line, std::string_view value) {
  if (!line.text.empty()) line.text += ' ';
  line.text += value;
  line.has_value = true;
}

void add_tail(Line& line, std::string_view text, std::size_t depth) {
  const bool blank = text.find_first_not_of(" \t") == std::string_view::npos;
  line.tail.push_back(
      {blank ? TailKind::kBlank : TailKind::kIndented, depth, blank ? "" : std::string(text)});
}

}  // namespace

std::size_t Scanner::line_end(std::size_t from) const {
  const std::size_t end = text_.find('\n', from);
  return end == std::string_view::npos ? text_.size() : end;
}

std::size_t Scanner::after_blanks(std::size_t from) const {
  while (is_blank(at(from))) ++from;
  return from;
}

bool Scanner::ends_word(std::size_t place) const {
  return is_blank(at(place)) || at(place) == '\n';
}

std::optional<Line> Scanner::head() {
  if (at_ >= text_.size()) return std::nullopt;
  Line line;
  const std::size_t start = at_;
  const std::size_t end = line_end(start);
  const std::string_view whole = right_trimmed(text_.substr(start, end - start));
  at_ = after_blanks(start);
  line.column = at_ - start;
  const bool marker =
      (whole.substr(0, 3) == "---" || whole.substr(0, 3) == "...") && ends_word(start + 3);
  if (at_ >= end) {
    at_ = end + 1;
  } else if (at(at_) == '#' || marker || at(start) == '%') {
    line.kind = at(at_) == '#' ? LineKind::kComment : LineKind::kMarker;
    line.text = left_trimmed(whole);
    at_ = end + 1;
  } else {
    read_dashes(line, start);
    read_key(line, start);
    line.kind = line.entries.empty() ? LineKind::kScalar : LineKind::kEntry;
  }
  return line;
}

void Scanner::read_dashes(Line& line, std::size_t start) {
  while (at(at_) == '-' && ends_word(at_ + 1)) {
    line.entries.push_back({at_ - start, true});
    line.text += line.text.empty() ? "-" : " -";
    const std::size_t next = after_blanks(at_ + 1);
    // What stands between a last dash and a comment belongs to the comment.
    if (at(next) == '\n' || at(next) == '#') {
      ++at_;
      return;
    }
    at_ = next;
  }
}

void Scanner::read_key(Line& line, std::size_t start) {
  if (ends_word(at_)) return;
  const std::size_t column = at_ - start;
  const std::string space = line.text.empty() ? "" : " ";
  if ((at(at_) == '?' || at(at_) == ':') && ends_word(at_ + 1)) {
    line.entries.push_back({column, false});
    line.text += space + at(at_);
    ++at_;
    return;
  }
  const std::size_t colon = key_end();
  if (colon == std::string_view::npos) return;
  line.entries.push_back({column, false});
  line.key = right_trimmed(text_.substr(at_, colon - at_));
  // The colon would become part of an alias' name.
  const bool alias = !line.key.empty() && line.key.front() == '*';
  line.text += space + line.key + (alias ? " :" : ":");
  at_ = colon + 1;
}

std::size_t Scanner::key_end() const {
  const std::size_t end = line_end(at_);
  std::size_t p = at_;
  while (at(p) == '&' || at(p) == '!') {
    while (!ends_word(p)) ++p;
    p = after_blanks(p);
  }
  if (p >= end || std::string_view("[{|>").find(at(p)) != std::string_view::npos) {
    return std::string_view::npos;
  }
  if (at(p) == '"' || at(p) == '\'') {
    p = quoted_end(p);
    if (p > end) return std::string_view::npos;
    p = after_blanks(p);
    return at(p) == ':' && ends_word(p + 1) ? p : std::string_view::npos;
  }
  for (; p < end; ++p) {
    if (at(p) == ':' && ends_word(p + 1)) return p;
    if (at(p) == '#' && p > at_ && is_blank(at(p - 1))) return std::string_view::npos;
  }
  return std::string_view::npos;
}

// Behind the closing quote; npos if there is none.
std::size_t Scanner::quoted_end(std::size_t from) const {
  const char quote = at(from);
  for (std::size_t p = from + 1; p < text_.size(); ++p) {
    if (quote == '"' && text_[p] == '\\') {
      ++p;
    } else if (text_[p] == quote) {
      if (quote == '"' || at(p + 1) != quote) return p + 1;
      ++p;
    }
  }
  return std::string_view::npos;
}

// Where a plain scalar ends on its line: at a comment or the line's end.
std::size_t Scanner::plain_end(std::size_t from) const {
  const std::size_t end = line_end(from);
  for (std::size_t p = from + 1; p < end; ++p) {
    if (text_[p] == '#' && is_blank(text_[p - 1])) return p;
  }
  return end;
}

void Scanner::value(Line& line, long parent) {
  const std::size_t start = after_blanks(at_);
  if (at(start) == '\n' || (at(start) == '#' && start > at_)) {
    read_rest(line);
    return;
  }
  at_ = start;
  read_properties();
  if (at_ > start) add_value(line, right_trimmed(text_.substr(start, at_ - start)));
  switch (at(at_)) {
    case '\n':
    case ' ':
    case '\t':
      read_rest(line);
      break;
    case '"':
    case '\'':
      read_quoted(line);
      break;
    case '[':
    case '{':
      read_flow(line);
      break;
    case '|':
    case '>':
      read_block(line, parent);
      break;
    default:
      read_plain(line, parent);
  }
}

// Stops behind the last anchor or tag if nothing follows it, so that a comment keeps its distance.
void Scanner::read_properties() {
  while (at(at_) == '&' || at(at_) == '!') {
    while (!ends_word(at_)) ++at_;
    const std::size_t next = after_blanks(at_);
    if (at(next) == '\n' || at(next) == '#') return;
    at_ = next;
  }
}

// What may follow a value on its line: a comment, or what only the real reader understands.
void Scanner::read_rest(Line& line) {
  const std::size_t end = line_end(at_);
  const std::size_t start = after_blanks(at_);
  const std::string_view gap = text_.substr(at_, start - at_);
  const std::string_view rest = right_trimmed(text_.substr(start, end - start));
  if (!rest.empty()) {
    last_text(line) += gap.find('\t') == std::string_view::npos ? std::string(gap) : "  ";
    last_text(line) += rest;
  }
  at_ = end + 1;
}

void Scanner::read_quoted(Line& line) {
  const std::size_t end = quoted_end(at_);
  if (end == std::string_view::npos) {
    failed_ = true;
    at_ = text_.size();
    return;
  }
  const std::size_t first = std::min(line_end(at_), end);
  add_value(line, text_.substr(at_, first - at_));
  for (at_ = first; at_ < end;) {
    const std::size_t next = std::min(line_end(at_ + 1), end);
    add_tail(line, left_trimmed(text_.substr(at_ + 1, next - at_ - 1)), 0);
    at_ = next;
  }
  read_rest(line);
}

void Scanner::read_flow(Line& line) {
  std::size_t depth = 0;
  std::size_t depth_at_start = 0;
  std::size_t line_start = at_;
  bool first = true;
  bool leading = true;  // only closing brackets so far on this line
  bool fresh = true;    // a quote here opens a scalar
  const auto end_line = [&](std::size_t end) {
    const std::string_view piece =
        right_trimmed(left_trimmed(text_.substr(line_start, end - line_start)));
    if (first) {
      add_value(line, piece);
    } else {
      add_tail(line, piece, depth_at_start);
    }
    first = false;
  };
  for (std::size_t p = at_; p < text_.size(); ++p) {
    const char c = text_[p];
    if (c == '\n') {
      end_line(p);
      line_start = p + 1;
      depth_at_start = depth;
      leading = true;
    } else if (c == '#' && (p == line_start || is_blank(text_[p - 1]))) {
      p = line_end(p) - 1;
    } else if ((c == '"' || c == '\'') && fresh) {
      const std::size_t end = quoted_end(p);
      if (end == std::string_view::npos) break;
      // Lines inside a quoted scalar stand like other lines of their depth.
      for (std::size_t n = line_end(p); n < end; n = line_end(n + 1)) {
        end_line(n);
        line_start = n + 1;
        depth_at_start = depth;
      }
      p = end - 1;
      fresh = false;
      leading = false;
    } else if (c == '[' || c == '{') {
      ++depth;
      fresh = true;
      leading = false;
    } else if (c == ']' || c == '}') {
      --depth;
      if (leading) depth_at_start = depth;
      fresh = false;
      if (depth == 0) {
        end_line(p + 1);
        at_ = p + 1;
        read_rest(line);
        return;
      }
    } else if (c == ',' || c == ':') {
      fresh = true;
      leading = false;
    } else if (fresh && (c == '&' || c == '!')) {
      while (!ends_word(p + 1) && at(p + 1) != ',') ++p;
      leading = false;
    } else if (!is_blank(c)) {
      fresh = false;
      leading = false;
    }
  }
  failed_ = true;
  at_ = text_.size();
}

void Scanner::read_plain(Line& line, long parent) {
  std::size_t end = plain_end(at_);
  std::string_view piece = right_trimmed(text_.substr(at_, end - at_));
  add_value(line, piece);
  while (true) {
    at_ += piece.size();
    const bool comment = at(end) == '#';
    read_rest(line);
    if (comment) return;
    // A plain scalar goes on in lines that stand deeper than its parent; blank lines are part of
    // it.
    std::size_t next = at_;
    while (next < text_.size() && at(after_blanks(next)) == '\n') next = line_end(next) + 1;
    const std::size_t start = after_blanks(next);
    const long column = static_cast<long>(start - next);
    const std::string_view mark = text_.substr(std::min(next, text_.size()), 3);
    if (start >= text_.size() || at(start) == '#' || column <= parent ||
        (column == 0 && (mark == "---" || mark == "..."))) {
      return;
    }
    for (; at_ < next; at_ = line_end(at_) + 1) add_tail(line, "", 0);
    at_ = start;
    end = plain_end(at_);
    piece = right_trimmed(text_.substr(at_, end - at_));
    add_tail(line, piece, 0);
  }
}

void Scanner::read_block(Line& line, long parent) {
  std::size_t end = at_;
  while (!ends_word(end)) ++end;
  const std::string_view header = text_.substr(at_, end - at_);
  add_value(line, header);
  at_ = end;
  read_rest(line);
  const std::size_t digit = header.find_first_of("123456789");
  if (digit != std::string_view::npos) {
    line.block_indent = static_cast<std::size_t>(header[digit] - '0');
  }
  line.open_end = header.find('+') != std::string_view::npos;
  std::size_t indent = 0;
  bool known = line.block_indent > 0;
  if (known) indent = line.block_indent + static_cast<std::size_t>(std::max(parent, 0L));
  std::size_t after_text = at_;
  std::size_t tail_size = line.tail.size();
  while (at_ < text_.size()) {
    const std::size_t stop = line_end(at_);
    const std::string_view whole = text_.substr(at_, stop - at_);
    const std::size_t column = whole.find_first_not_of(' ');
    const bool blank = column == std::string_view::npos;
    if (!blank && !known && static_cast<long>(column) > parent) {
      indent = column;
      known = true;
    }
    if (!blank && (!known || column < indent)) break;
    if (blank && (!known || whole.size() <= indent)) {
      line.tail.push_back({TailKind::kBlank, 0, ""});
    } else {
      line.tail.push_back({TailKind::kBlock, 0, std::string(whole.substr(indent))});
    }
    at_ = stop + 1;
    if (!blank || line.open_end) {
      after_text = at_;
      tail_size = line.tail.size();
    }
  }
  line.tail.resize(tail_size);
  at_ = after_text;
}

}  // namespace arctic::format
