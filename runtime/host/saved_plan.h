// Saved plans against the live node: may what was looked at still be applied?
//
// Called by the commands plan and apply. Reads and writes no file; the format is in
// schema/artifact/saved_plan.h.
#pragma once

#include "runtime/host/apply.h"
#include "schema/artifact/saved_plan.h"

namespace arctic {

/// BLAKE2b-256 in hex over a canonical text of the state, without counters, handles and origins.
[[nodiscard]] std::string state_digest(const NodeState& state);

[[nodiscard]] SavedPlan save(const Plan& plan);

/// kRefused if `saved` was made for another node, or the node or the compiler is not as it was
/// then. `plan` is a new plan of the saved source text.
[[nodiscard]] Status check_fresh(const Plan& plan, const SavedPlan& saved);

/// What check_fresh refuses.
[[nodiscard]] bool is_stale(const Plan& plan, const SavedPlan& saved);

}  // namespace arctic
