// How a list of changes looks: on the terminal and as JSON.
//
// Shared by plan, apply, destroy, diff and status. Prints only what compiler/diff describes.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/report.h"
#include "compiler/diff.h"

namespace arctic::cli {

/// More changes than this in one group are folded into a count.
inline constexpr std::size_t kFoldAt = 12;

/// "+", "~", "-".
[[nodiscard]] const char* action_sign(Action action);
/// "add", "change", "remove".
[[nodiscard]] const char* action_word(Action action);
[[nodiscard]] Colour action_colour(Action action);

/// Grouped by kind in the order in which apply makes them; one line a change. `full` unfolds.
void print_changes(Report& report, const Changes& changes, bool full);

/// "Plan: 5 to add, 2 to change, 1 to remove."
[[nodiscard]] std::string summary_of(const ChangeCounts& counts);

/// [{"phase","action","kind","identity","reason","before","after"}, …] in order of execution.
[[nodiscard]] nlohmann::ordered_json changes_json(const Changes& changes);
[[nodiscard]] nlohmann::ordered_json counts_json(const ChangeCounts& counts);

/// Text of JSON for stdout: two spaces, bytes that are no UTF-8 replaced, a final newline.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& data);

}  // namespace arctic::cli
