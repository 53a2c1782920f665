// YAML text → Config. The only room that knows the YAML library.
//
// Reads with the library's event interface into a light tree with a position for every node, then
// into the typed Config. Reports every problem of the file at once; never throws, never stops at
// the first. Rules 1, 2, 5, 7, 8, 11, 18, 19 and the shape of every value are found here; rules
// between fields are in schema/check.
#pragma once

#include <string_view>

#include "schema/base/diagnostic.h"
#include "schema/config.h"

namespace arctic {

inline constexpr std::size_t kMaxFileBytes = 16U << 20;
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxAliasNodes = 2'000'000;  ///< nodes after alias expansion

/// Returns what could be read; with errors in `diagnostics` the Config is partial.
[[nodiscard]] Config parse_config(std::string_view text, Diagnostics& diagnostics);

}  // namespace arctic
