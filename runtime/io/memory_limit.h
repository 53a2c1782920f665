// How much memory this process has, and how much it may have.
//
// Asked by daemons that would rather refuse something new than be killed with all that is open.
// Linux: proc(5), cgroups(7) version 2.
#pragma once

#include <cstdint>

namespace arctic {

/// Resident bytes; 0 if that cannot be read.
[[nodiscard]] std::uint64_t resident_memory();

/// Bytes: what the machine has, or what our control group or one above it may have, if that is
/// less.
[[nodiscard]] std::uint64_t memory_limit();

}  // namespace arctic
