// Help texts, and what is said when a command line is wrong.
//
// main.cc calls it. Prints nothing itself.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"

namespace arctic::cli {

/// `arctic --help`: all commands by group, the exit codes, the environment.
[[nodiscard]] std::string overview();

/// kUsage, with the nearest command as hint.
[[nodiscard]] Error unknown_command(std::string_view word);

/// kUsage for what CLI11 refused, with the nearest flag or verb as hint.
[[nodiscard]] Error usage_error(const CLI::App& app, const CLI::ParseError& problem);

}  // namespace arctic::cli
