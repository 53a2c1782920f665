// Whether two configurations say the same, wherever in their files they say it.
//
// Used by format_config to check its own work. Pure.
#pragma once

#include "schema/config.h"

namespace arctic {

/// Everything but spans; lists in the same order.
[[nodiscard]] bool same_config(const Config& a, const Config& b);

}  // namespace arctic
