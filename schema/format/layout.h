// Logical lines → canonical text: where each line stands, and where blank lines are.
//
// Used by format_config. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace arctic::format {

/// nullopt if the text is not even lexically whole.
[[nodiscard]] std::optional<std::string> lay_out(std::string_view text);

}  // namespace arctic::format
