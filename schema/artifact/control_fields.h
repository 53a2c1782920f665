// The frame around every answer of the control socket, and values that answers have in common.
//
// Used by the encoders and decoders of answers beside it; included by .cc files only. Never throws.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "schema/artifact/control.h"
#include "schema/artifact/runtime_fields.h"

namespace arctic {

inline constexpr int kMaxControlDepth = 8;
inline constexpr const char* kControlResult = "/result";

/// On one line, without a newline. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string control_line(const nlohmann::ordered_json& value);
[[nodiscard]] std::string good_answer(std::string_view id, const nlohmann::ordered_json& result);

/// The text, or null if it is empty.
[[nodiscard]] nlohmann::ordered_json text_or_null(const std::string& text);
[[nodiscard]] std::string read_text_or_null(Fields& fields, const char* key);
[[nodiscard]] double read_real(Fields& fields, const char* key);
[[nodiscard]] std::uint32_t read_u32(Fields& fields, const char* key);

/// An answer whose `result` is still JSON.
[[nodiscard]] Result<ControlAnswer<nlohmann::json>> decode_answer_frame(std::string_view line);

/// An answer whose `result`, if it is good, `read(json, pointer)` makes a Result<T> of.
template <class T, class Read>
Result<ControlAnswer<T>> decode_answer(std::string_view line, Read read) {
  ARCTIC_TRY(auto frame, decode_answer_frame(line));
  if (!frame.outcome) {
    return ControlAnswer<T>{std::move(frame.id), tl::unexpected(std::move(frame.outcome).error())};
  }
  ARCTIC_TRY(T value, read(*frame.outcome, std::string(kControlResult)));
  return ControlAnswer<T>{std::move(frame.id), std::move(value)};
}

}  // namespace arctic
