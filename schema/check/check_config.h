// Rules between fields of a Config: names, references, keys, interfaces, limits.
//
// One file per topic behind this one call. Adds to the diagnostics; never stops at the first
// problem. The rules that need the order of routes (13 to 17) are in compiler/shadow.
#pragma once

#include "schema/base/diagnostic.h"
#include "schema/config.h"

namespace arctic {

void check_config(const Config& config, Diagnostics& diagnostics);

}  // namespace arctic
