// Help texts, and what is said of a command that there is not.
//
// main.cc calls it. Prints nothing itself.
#pragma once

#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace arctic::cli {

/// `arctic --help`: all commands by group, the exit codes, the environment.
[[nodiscard]] std::string overview();

/// kUsage, with the nearest command as hint.
[[nodiscard]] Error unknown_command(std::string_view word);

}  // namespace arctic::cli
