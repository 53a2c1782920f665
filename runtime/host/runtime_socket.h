// Asking a runtime something on its control socket: one line there, one line back.
//
// Used by LinuxHost alone. Connects anew for each question, and waits no longer than it is told to:
// a runtime that hangs must not hang who asks.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "runtime/host/files.h"
#include "schema/base/result.h"

namespace arctic {

/// True if something listens at /run/arctic/NAME.sock.
[[nodiscard]] bool runtime_listens(const Files& files, const std::string& name);

/// The answer to `line`, both without their newlines; nullopt if nobody listens. kUnreachable if
/// there is none within `patience`, or it is longer than any answer.
[[nodiscard]] Result<std::optional<std::string>> ask_runtime(const Files& files,
                                                             const std::string& name,
                                                             const std::string& line,
                                                             std::chrono::milliseconds patience);

}  // namespace arctic
