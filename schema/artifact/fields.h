// Strict reading of one JSON object: required fields of a type, and nothing else.
//
// Used by the decoders of the small state files in this folder; included by .cc files only. Each
// error names the place as a JSON pointer. Never throws.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace arctic {

/// nullopt-like: a discarded value if `text` is not JSON, is nested deeper than `depth`, or has
/// a key twice in one object; `why` is then told which, and where.
[[nodiscard]] nlohmann::json parse_strict(std::string_view text, int depth,
                                          std::string* why = nullptr);

/// Text of a JSON value on one line, or indented and with a final newline. Bytes that are not
/// UTF-8 become U+FFFD, so that it never throws.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& value);
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& value);

/// "/a/b" with the pointer's escapes.
[[nodiscard]] std::string json_pointer(std::string_view parent, std::string_view key);

/// Reads the fields of one object and remembers the first problem; finish() reports it, or a field
/// that nobody asked for.
class Fields {
 public:
  /// `object` must outlive this. `where`: its JSON pointer.
  Fields(const nlohmann::json& object, std::string where);

  [[nodiscard]] bool has(const char* key) const;
  [[nodiscard]] std::string text(const char* key);
  [[nodiscard]] std::uint64_t number(const char* key);
  [[nodiscard]] std::int64_t signed_number(const char* key);
  /// The value itself, null if it is missing; counts as asked for.
  [[nodiscard]] const nlohmann::json& value(const char* key);
  void problem(std::string_view key, std::string reason);

  [[nodiscard]] Status finish() const;

 private:
  const nlohmann::json& object_;
  std::string where_;
  std::set<std::string, std::less<>> asked_;
  std::string problem_;
  std::string problem_where_;
};

}  // namespace arctic
