// The apply lock of a node: one apply at a time, gone with its process.
#pragma once

#include <memory>

#include "runtime/host/files.h"
#include "runtime/host/host.h"

namespace arctic {

inline constexpr const char* kLockPath = "/run/arctic/lock";

/// flock on kLockPath (0600), with the holder's pid, user and start inside for the message.
/// kRefused, naming the holder, if another has it. Never waits.
[[nodiscard]] Result<std::unique_ptr<ApplyLock>> take_lock(const Files& files);

}  // namespace arctic
