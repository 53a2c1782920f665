// What the order of rules does to a file's routes: undefined ties, routes that never win,
// priorities that do not do what they seem to. Rules 13 to 17 of the configuration's rule table.
//
// Needs the order, so it lives here and not in schema/check; `validate` runs both. Pure;
// near-linear in the number of routes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/order.h"
#include "compiler/sources.h"
#include "schema/base/diagnostic.h"

namespace arctic {

/// Adds the problems of every source peer's plan. Skips routes marked malformed, and services whose
/// peers are unknown; safe on a Config with errors.
void check_order(const Config& config, Diagnostics& diagnostics);

/// For each rule of the plan: nothing if some packet can reach it, else the index of a rule that
/// takes (part of) its packets away.
[[nodiscard]] std::vector<std::optional<std::size_t>> shadowed(const RulePlan& plan);
/// REQUIRES: `tables` are those of the plan's rules.
[[nodiscard]] std::vector<std::optional<std::size_t>> shadowed(const RulePlan& plan,
                                                               const SourceTables& tables);

/// True if every packet that `narrow` matches is matched by `wide`. REQUIRES: neither is of
/// category 1, and both are of one family.
[[nodiscard]] bool covers(const Rule& wide, const Rule& narrow);

}  // namespace arctic
