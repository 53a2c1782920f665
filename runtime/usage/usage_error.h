// What is said when a command line is wrong.
//
// Every program of ours calls it, so that all of them say it in the same words. Prints nothing.
#pragma once

#include <CLI/CLI.hpp>

#include "schema/base/result.h"

namespace arctic {

/// kUsage for what CLI11 refused of the words that `app` was given, with the nearest flag or verb
/// as hint.
[[nodiscard]] Error usage_error(const CLI::App& app, const CLI::ParseError& problem);

}  // namespace arctic
