#include "schema/parse/text_check.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "schema/base/utf8.h"
#include "schema/parse/parse_config.h"

namespace arctic {
namespace {

// Brackets that open minus brackets that close, wherever they stand; far above kMaxDepth since
// comments and quoted texts may hold brackets too.
constexpr std::size_t kMaxOpenBrackets = 10'000;
// Half marks, of what may begin or separate values, wherever they stand; no text has more values
// than it has marks. 100,000 routes have 400,000 marks, as JSON in one line 1,200,000.
constexpr std::size_t kMaxMarks = 1'500'000;

std::string hex_byte(unsigned char byte) {
  static constexpr char kDigits[] = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

void report_byte(std::string_view text, std::size_t offset, Diagnostics& diagnostics) {
  if (text.substr(offset, 3) == "\xef\xbb\xbf") {
    diagnostics.error(0, span_at(text, offset), "a byte order mark inside of the text",
                      "remove it; some editors put one where files were joined");
    return;
  }
  const auto byte = static_cast<unsigned char>(text[offset]);
  const bool utf16 = text.substr(0, 2) == "\xff\xfe" || text.substr(0, 2) == "\xfe\xff";
  diagnostics.error(0, span_at(text, offset),
                    byte == '\r' ? std::string("a carriage return without a line feed")
                                 : "byte " + hex_byte(byte) + " does not belong in a text file",
                    utf16 ? "the file looks like UTF-16; save it as UTF-8"
                          : "the configuration is YAML, in UTF-8; is this the right file?");
}

void report_size(std::string_view text, Diagnostics& diagnostics) {
  diagnostics.error(20, Span{},
                    "the file has " + std::to_string(text.size()) + " bytes; the limit is " +
                        std::to_string(kMaxFileBytes) + " (16 MiB)",
                    "is this the right file?");
}

// Counts what may nest or separate values, whatever it stands for.
class Budget {
 public:
  explicit Budget(std::string_view text) : text_(text) {}

  [[nodiscard]] bool take(std::size_t offset, Diagnostics& diagnostics) {
    const char byte = text_[offset];
    if (byte == '[' || byte == '{') ++open_;
    if ((byte == ']' || byte == '}') && open_ > 0) --open_;
    half_marks_ += half_marks(offset);
    if (open_ > kMaxOpenBrackets) {
      diagnostics.error(19, span_at(text_, offset),
                        "nested too deeply; the limit is " + std::to_string(kMaxDepth) + " levels");
      return false;
    }
    if (half_marks_ > 2 * kMaxMarks) {
      diagnostics.error(19, span_at(text_, offset),
                        "too many values; the limit is " + std::to_string(kMaxMarks));
      return false;
    }
    return true;
  }

 private:
  [[nodiscard]] std::size_t half_marks(std::size_t offset) const {
    const char byte = text_[offset];
    if (std::string_view(",[{&*!").find(byte) != std::string_view::npos) return 2;
    if (byte == '"' || byte == '\'') return 1;
    if (byte != ':' && byte != '-' && byte != '?') return 0;
    const char after = offset + 1 < text_.size() ? text_[offset + 1] : '\n';
    const char before = offset > 0 ? text_[offset - 1] : '\n';
    const bool alone = std::string_view(" \n\r\t").find(after) != std::string_view::npos;
    const bool adjacent = std::string_view("\"']}").find(before) != std::string_view::npos;
    return alone || adjacent ? 2 : 0;
  }

  std::string_view text_;
  std::size_t open_ = 0;
  std::size_t half_marks_ = 0;
};

}  // namespace

Span span_at(std::string_view text, std::size_t offset, std::size_t length) {
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return {lines + 1, offset - start + 1, std::max<std::size_t>(length, 1)};
}

bool check_text(std::string_view text, Diagnostics& diagnostics) {
  if (text.size() > kMaxFileBytes) {
    report_size(text, diagnostics);
    return false;
  }
  Budget budget(text);
  for (std::size_t i = 0; i < text.size();) {
    const char byte = text[i];
    std::size_t length = 1;
    if (byte < 0) {
      length = wide_character_length(text, i);
    } else if (byte == '\r') {
      length = i + 1 < text.size() && text[i + 1] == '\n' ? 1 : 0;
    } else if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) {
      length = 0;
    }
    if (length == 0) {
      report_byte(text, i, diagnostics);
      return false;
    }
    if (!budget.take(i, diagnostics)) return false;
    i += length;
  }
  return true;
}

}  // namespace arctic
