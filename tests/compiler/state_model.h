// A node in memory that takes changes one by one, as the kernel does: what is refused there is an
// exception here. Never used by the product.
#pragma once

#include "compiler/diff.h"

namespace arctic::test {

/// Makes the changes in their order. Throws std::runtime_error at a change that a kernel refuses: a
/// verdict to a chain that is not there, a chain or map removed that something names, overlapping
/// intervals, an existing key, a route by a device that is missing or down, and the like.
void make_changes(NodeState& state, const Changes& changes);

/// Equal in all that diff() compares.
[[nodiscard]] bool same_state(const NodeState& a, const NodeState& b);

}  // namespace arctic::test
