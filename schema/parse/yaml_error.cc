#include "schema/parse/yaml_error.h"

#include <yaml-cpp/exceptions.h>

#include <algorithm>
#include <string>

#include "schema/parse/text_check.h"

namespace arctic {
namespace {

namespace complaints = YAML::ErrorMsg;

struct Translation {
  const char* complaint;
  const char* reason;
  const char* help;
  int rule = 0;
};

constexpr const char* kIndent = "compare its indentation with the lines above";
constexpr const char* kQuote = "put the value in double quotes";

const Translation kTranslations[] = {
    {complaints::END_OF_MAP, "a `key: value` is expected here", kIndent},
    {complaints::END_OF_SEQ, "another `- item` is expected here", kIndent},
    {complaints::END_OF_MAP_FLOW, "a `{` above is not closed, or a `,` is missing", ""},
    {complaints::END_OF_SEQ_FLOW, "a `[` above is not closed, or a `,` is missing", ""},
    {complaints::DOC_IN_SCALAR, "`---` or `...` inside of a quoted text",
     "a closing quote is missing somewhere above"},
    {complaints::TAB_IN_INDENTATION, "a tab in the indentation", "indent with spaces"},
    {complaints::MAP_VALUE, "a key cannot stand here", kIndent},
    {complaints::MAP_KEY, "`?` cannot stand here", kQuote},
    {complaints::BLOCK_ENTRY, "`- ` cannot stand here",
     "is a `[` or `{` above not closed? List items begin on lines of their own"},
    {complaints::FLOW_END, "`]` or `}` without its opening bracket",
     "remove it, or write the opening one"},
    {complaints::UNKNOWN_TOKEN, "a value cannot begin with this character", kQuote},
    {complaints::INVALID_ESCAPE, "no such escape after `\\` in a double-quoted text",
     "write `\\\\` for a backslash, or use single quotes"},
    {complaints::INVALID_HEX, "not a hexadecimal digit in an escape", ""},
    {complaints::INVALID_UNICODE, "an escape that is no Unicode character", ""},
    {complaints::UNKNOWN_ANCHOR, "this alias names an anchor that is not defined above it", "", 19},
    {complaints::ALIAS_NOT_FOUND, "`*` begins an alias, but no name follows", kQuote, 19},
    {complaints::ANCHOR_NOT_FOUND, "`&` begins an anchor, but no name follows", kQuote, 19},
    {complaints::CHAR_IN_ALIAS, "a character that the name of an alias cannot have", "", 19},
    {complaints::CHAR_IN_ANCHOR, "a character that the name of an anchor cannot have", "", 19},
    {complaints::ALIAS_CONTENT, "an alias cannot have a value of its own", "", 19},
    {complaints::MULTIPLE_TAGS, "two tags on one value", ""},
    {complaints::MULTIPLE_ANCHORS, "two anchors on one value", "", 19},
    {complaints::CHAR_IN_TAG_HANDLE, "a character that a tag cannot have", kQuote},
    {complaints::TAG_WITH_NO_SUFFIX, "`!` begins a tag, but no name follows", kQuote},
    {complaints::END_OF_VERBATIM_TAG, "a tag that is not closed", kQuote},
    {complaints::CHAR_IN_BLOCK, "text after `|` or `>`", "begin the text on the next line"},
    {complaints::ZERO_INDENT_IN_BLOCK, "`|0` and `>0` are no YAML", ""},
};

constexpr Translation kOther{"", "this is not YAML", ""};
constexpr Translation kSecondColon{
    "", "a second `: ` in one value",
    "a value with `: ` in it, or with `:` at its end, needs double quotes"};

const Translation& translate(std::string_view complaint) {
  for (const Translation& t : kTranslations) {
    if (complaint.substr(0, std::string_view(t.complaint).size()) == t.complaint) return t;
  }
  return kOther;
}

std::size_t line_start(std::string_view text, std::size_t offset) {
  const std::size_t newline = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

std::string_view line_at(std::string_view text, std::size_t start) {
  return text.substr(start, text.find('\n', start) - start);
}

struct Quotes {
  std::size_t count = 0;
  std::size_t last = 0;  ///< where the last of them stands in the line
};

// Quotes of one kind in a line, without escaped ones and without those in a comment.
Quotes quotes_in(std::string_view line, char quote) {
  Quotes found;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool comment = line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t');
    if (comment && found.count % 2 == 0) break;
    if (line[i] == '\\' && quote == '"') {
      ++i;
    } else if (line[i] == quote) {
      ++found.count;
      found.last = i;
    }
  }
  return found;
}

// A quote that is not closed in its line ends at the next one, which should begin another text: the
// library complains there. True, with the error, if that is what happened.
bool report_open_quote(std::string_view text, std::size_t offset, Diagnostics& diagnostics) {
  const std::size_t start = line_start(text, offset);
  for (const char quote : {'"', '\''}) {
    if (quotes_in(text.substr(start, offset - start), quote).count % 2 == 0) continue;
    for (std::size_t above = start; above > 0;) {
      above = line_start(text, above - 1);
      const std::string_view line = line_at(text, above);
      const Quotes quotes = quotes_in(line, quote);
      if (quotes.count % 2 == 0) continue;
      const std::size_t length = line.find_last_not_of(" \t\r") + 1 - quotes.last;
      diagnostics.error(
          0, span_at(text, above + quotes.last, length), "this quote is opened and not closed",
          std::string("write the closing `") + quote + "`; as it is, the text ends at " +
              "the next one, in line " + std::to_string(span_at(text, offset).line));
      return true;
    }
  }
  return false;
}

}  // namespace

void report_yaml_error(std::string_view complaint, std::string_view text, std::size_t offset,
                       Diagnostics& diagnostics) {
  offset = std::min(offset, text.size());
  const std::size_t start = line_start(text, offset);
  const std::size_t content = std::min(text.find_first_not_of(" \t", start), text.size());
  const std::size_t tab = text.find('\t', start);
  if (tab < content) {
    const Translation& found = translate(complaints::TAB_IN_INDENTATION);
    diagnostics.error(0, span_at(text, tab), found.reason, found.help);
    return;
  }
  if (report_open_quote(text, offset, diagnostics)) return;
  const Translation& found = translate(complaint);
  const bool at_colon = found.complaint == std::string_view(complaints::MAP_VALUE);
  const bool second =
      at_colon && text.substr(start, offset - start).find(": ") != std::string_view::npos;
  if (second) {
    diagnostics.error(0, span_at(text, offset), kSecondColon.reason, kSecondColon.help);
  } else if (at_colon && content < offset) {
    diagnostics.error(0, span_at(text, content, offset - content), found.reason, found.help);
  } else {
    diagnostics.error(found.rule, span_at(text, offset), found.reason, found.help);
  }
}

}  // namespace arctic
