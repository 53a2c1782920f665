// Configuration text → checked Config: reader, field checks and order checks in one call.
//
// What `validate` runs, and the first step of every other command. Pure.
#pragma once

#include <string_view>

#include "schema/base/diagnostic.h"
#include "schema/config.h"

namespace arctic {

/// All problems are in `diagnostics`, sorted by place; use the Config only if it has no errors.
[[nodiscard]] Config load(std::string_view text, Diagnostics& diagnostics);

}  // namespace arctic
