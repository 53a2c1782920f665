// The difference of two texts, line by line, as `diff -u` prints it.
//
// Used by compile --check and fmt --check. Pure.
#pragma once

#include <string>
#include <string_view>

namespace arctic::cli {

/// Empty if the texts are equal. Three lines of context. Texts that differ in more than a few
/// thousand lines are shown as one replaced block: correct, but not the smallest difference.
[[nodiscard]] std::string unified_diff(std::string_view old_name, std::string_view new_name,
                                       std::string_view old_text, std::string_view new_text);

}  // namespace arctic::cli
