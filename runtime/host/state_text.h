// A NodeState as canonical text: equal states give equal texts, and a difference can be read.
//
// For digests of what was observed, and for the failures of tests. Without what is no
// configuration: counters, handles, origins. Pure.
#pragma once

#include <string>

#include "compiler/node_state.h"

namespace arctic {

[[nodiscard]] std::string state_text(const NodeState& state);

}  // namespace arctic
