#include "schema/format/format_config.h"

#include <algorithm>

#include "schema/format/layout.h"
#include "schema/format/same_config.h"
#include "schema/parse/parse_config.h"

namespace arctic {

namespace {

// One kind of line end, and no byte order mark.
std::string normalised(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      result += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      result += '\n';
    }
  }
  return result;
}

std::string without_white_space(std::string text) {
  const auto is_white = [](char c) { return c == ' ' || c == '\t' || c == '\n'; };
  text.erase(std::remove_if(text.begin(), text.end(), is_white), text.end());
  return text;
}

bool same_meaning(const Config& before, std::string_view text) {
  Diagnostics diagnostics;
  const Config after = parse_config(text, diagnostics);
  return !diagnostics.has_errors() && same_config(before, after);
}

}  // namespace

Result<std::string> format_config(std::string_view text, Diagnostics& diagnostics) {
  const Config config = parse_config(text, diagnostics);
  if (diagnostics.has_errors()) {
    return fail(ErrorCode::kConfig, "", "is not acceptable, and so is left as it is");
  }
  const std::string before = normalised(text);
  auto after = format::lay_out(before);
  if (!after || without_white_space(before) != without_white_space(*after) ||
      !same_meaning(config, *after)) {
    return fail(ErrorCode::kConfig, "",
                "cannot be formatted without changing what it says, and so is left as it is",
                "it uses a part of YAML that `arctic fmt` does not know; block style with one key "
                "a line is always understood");
  }
  return std::move(*after);
}

}  // namespace arctic
