// Kernel parameters below /proc/sys, which never moves with --root.
//
// Called by LinuxHost and, for one parameter of our own links, by links. /proc/sys/net is that of
// the calling thread's network namespace. Records of earlier values belong to apply, not here.
#pragma once

#include <optional>
#include <string>

#include "schema/base/result.h"

namespace arctic {

/// The value without blanks around it, runs of blanks inside as one space; nullopt if there is no
/// such parameter. `path` is relative: "net/ipv4/ip_forward".
[[nodiscard]] Result<std::optional<std::string>> read_sysctl(const std::string& path);

[[nodiscard]] Status write_sysctl(const std::string& path, const std::string& value);

/// Writes `before` if the value is still `ours`; succeeds if it is not, or the parameter is gone.
[[nodiscard]] Status restore_sysctl(const std::string& path, const std::string& before,
                                    const std::string& ours);

}  // namespace arctic
