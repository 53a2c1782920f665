// Giving up what root may do, but for what the data path needs.
//
// Called once by each runtime's main, when its files are open, and before its first thread:
// capabilities belong to threads, and new threads have their maker's. Linux: capabilities(7),
// prctl(2), capset(2).
#pragma once

#include "schema/base/result.h"

namespace arctic {

/// Keeps CAP_NET_ADMIN alone, permitted and effective; nothing is inheritable, ambient, or in the
/// bounding set (this last as far as CAP_SETPCAP is there to change it), and no program that is run
/// later gets more. kRefused, with nothing changed, if CAP_NET_ADMIN is not there. May be repeated.
/// Ports below 1024 cannot be bound afterwards.
[[nodiscard]] Status drop_privileges();

}  // namespace arctic
