// Files that a command writes where the user said: compiled output, a formatted file, a saved plan.
//
// A reader sees the old content or the new one, never half; on failure nothing is left behind.
// What apply writes to the node goes through runtime/host instead.
#pragma once

#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace arctic::cli {

/// Replaces or makes `path`; an existing file keeps its mode, a symbolic link its target's place.
/// kRefused if it is no regular file, or the one that this process prints to.
[[nodiscard]] Status write_file(const std::string& path, std::string_view content,
                                unsigned mode = 0644);
/// kRefused if something of that name is there already.
[[nodiscard]] Status create_file(const std::string& path, std::string_view content,
                                 unsigned mode = 0644);
/// With missing parents, 0755.
[[nodiscard]] Status make_folder(const std::string& path);

}  // namespace arctic::cli
