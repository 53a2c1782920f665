#include "schema/parse/scalar_place.h"

#include <algorithm>

namespace arctic {
namespace {

bool ends_line(std::string_view text, std::size_t i) {
  return i >= text.size() || text[i] == '\n' || text[i] == '\r';
}

// Past `&anchor` and `!tag`; where the text itself begins on a later line, the mark stays.
std::size_t skip_properties(std::string_view text, std::size_t mark) {
  std::size_t i = mark;
  while (!ends_line(text, i) && (text[i] == '&' || text[i] == '!')) {
    i = std::min(text.find_first_of(" \t\r\n,]}", i), text.size());
    i = std::min(text.find_first_not_of(" \t", i), text.size());
  }
  return ends_line(text, i) ? mark : i;
}

std::size_t quoted_length(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  std::size_t i = begin + 1;
  while (!ends_line(text, i)) {
    const bool pair = (quote == '"' && text[i] == '\\' && !ends_line(text, i + 1)) ||
                      (quote == '\'' && text.substr(i, 2) == "''");
    if (text[i] == quote && !pair) return i + 1 - begin;
    i += pair ? 2 : 1;
  }
  return i - begin;
}

std::size_t length_to_line_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (!ends_line(text, end)) ++end;
  while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  return end - begin;
}

}  // namespace

ScalarPlace place_scalar(std::string_view text, std::size_t offset, std::string_view value) {
  ScalarPlace place;
  const std::size_t begin = skip_properties(text, offset);
  place.skip = begin - offset;
  if (text.substr(begin, value.size()) == value) {
    place.source = text.substr(begin, value.size());
    place.length = std::max<std::size_t>(1, std::min(value.find('\n'), value.size()));
    return place;
  }
  const char first = begin < text.size() ? text[begin] : '\n';
  if (first == '|' || first == '>') return place;
  if (first != '"' && first != '\'') {
    place.length = std::max<std::size_t>(1, length_to_line_end(text, begin));
    return place;
  }
  place.length = quoted_length(text, begin);
  if (place.length == value.size() + 2 && text.substr(begin + 1, value.size()) == value) {
    place.source = text.substr(begin + 1, value.size());
  }
  return place;
}

std::size_t null_length(std::string_view text, std::size_t offset) {
  const std::string_view rest = text.substr(std::min(offset, text.size()));
  if (rest.substr(0, 1) == "~") return 1;
  const std::string_view word = rest.substr(0, 4);
  const bool is_word = word == "null" || word == "Null" || word == "NULL";
  const bool ends =
      rest.size() <= 4 || std::string_view(" \t\r\n,]}#").find(rest[4]) != std::string_view::npos;
  return is_word && ends ? 4 : 0;
}

}  // namespace arctic
