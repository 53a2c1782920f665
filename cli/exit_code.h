// What the process says to its caller when it ends: one table, one meaning each.
//
// Every command returns one of these; the help text, docs/exit-codes.md and the tests follow the
// table. Holds no I/O.
#pragma once

#include "schema/base/result.h"

namespace arctic::cli {

enum class ExitCode {
  kSuccess = 0,
  kFailure = 1,
  kDiffers = 2,
  kConfig = 3,
  kUnreachable = 4,
  kRefused = 5,
  kPartly = 6,
  kUsage = 64,
};

struct ExitCodeRow {
  ExitCode code;
  const char* name;
  const char* meaning;
};

inline constexpr ExitCodeRow kExitCodes[] = {
    {ExitCode::kSuccess, "success", "done, or nothing to do"},
    {ExitCode::kFailure, "failure", "a file or system operation failed; nothing stays half done"},
    {ExitCode::kDiffers, "differs", "with --detailed-exitcode or --check: there is a difference"},
    {ExitCode::kConfig, "configuration", "the configuration or another input is not acceptable"},
    {ExitCode::kUnreachable, "unreachable", "a runtime or peer does not answer"},
    {ExitCode::kRefused, "refused",
     "lock held, saved plan out of date, guard, a foreign object of our name"},
    {ExitCode::kPartly, "partly done",
     "undoing a failed apply failed too; the message says what is left"},
    {ExitCode::kUsage, "usage", "the command line is wrong"},
};

/// The two enums share their numbers; kSuccess and kDiffers are no errors.
constexpr ExitCode exit_code_of(ErrorCode code) {
  return static_cast<ExitCode>(static_cast<int>(code));
}

}  // namespace arctic::cli
