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

// Just past the closing quote, on whatever line; npos if there is none.
std::size_t quote_end(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || text.substr(i + 1, 1) != "'") return i + 1;
      ++i;
    }
  }
  return std::string_view::npos;
}

std::size_t first_line_length(std::string_view extent) {
  std::size_t length = 0;
  while (!ends_line(extent, length)) ++length;
  while (length > 0 && (extent[length - 1] == ' ' || extent[length - 1] == '\t')) --length;
  return std::max<std::size_t>(1, length);
}

}  // namespace

ScalarPlace place_scalar(std::string_view text, std::size_t offset, std::string_view value) {
  ScalarPlace place;
  const std::size_t begin = skip_properties(text, offset);
  place.skip = begin - offset;
  const char first = begin < text.size() ? text[begin] : '\n';
  if (first == '|' || first == '>') return place;
  if (first == '"' || first == '\'') {
    const std::size_t end = quote_end(text, begin);
    place.closed = end != std::string_view::npos;
    place.length = first_line_length(text.substr(begin, end - begin));
    if (text.substr(begin + 1, value.size()) == value && end == begin + value.size() + 2) {
      place.source = text.substr(begin + 1, value.size());
    }
    return place;
  }
  if (text.substr(begin, value.size()) == value) {
    place.source = text.substr(begin, value.size());
    place.length = std::max<std::size_t>(1, std::min(value.find('\n'), value.size()));
  } else {
    place.length = first_line_length(text.substr(begin));
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
