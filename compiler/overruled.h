// Routes whose higher priority does not do what it seems to: a more specific route wins all the
// same.
//
// Rule 15 of the configuration's rule table; called by check_order. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "compiler/order.h"
#include "compiler/sources.h"

namespace arctic {

/// For each rule an earlier one that shares packets with it, belongs to another service and has a
/// lower priority; nothing if there is none. Of a source-only and a destination-only rule the pair
/// only counts where the destination is not the longer prefix: the other case is rule 16.
/// O(n log² n). REQUIRES: `tables` are those of the plan's rules.
[[nodiscard]] std::vector<std::optional<std::size_t>> overruled(const RulePlan& plan,
                                                                const SourceTables& tables);

}  // namespace arctic
