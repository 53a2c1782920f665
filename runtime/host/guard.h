// What plan and apply refuse: foreign objects, missing parents, another node, an accidental wipe.
//
// Pure. Each refusal names the object and the cure.
#pragma once

#include <set>
#include <string>

#include "runtime/host/apply.h"

namespace arctic {

/// kRefused: a table `inet arctic` or an interface with a name of ours that is not ours.
[[nodiscard]] Status check_foreign(const NodeState& actual, const NodeState& desired);

/// kFailure: the parent of a MACVLAN is not there.
[[nodiscard]] Status check_parents(const NodeState& actual, const NodeState& desired);

/// kRefused: the generation in force was applied for another peer.
[[nodiscard]] Status check_node(const std::string& node_in_force, const Target& target);

/// kRefused without `prune`: the target drops all services, or over half of four or more.
[[nodiscard]] Status check_prune(const Plan& plan, bool prune);

/// True if check_prune refuses without `prune`.
[[nodiscard]] bool needs_prune(const Plan& plan);

/// "the file no longer has 3 of the 4 services that this node carries: a, b, c".
[[nodiscard]] std::string dropped_text(const Plan& plan);

/// Names of the services in a pegasus.json; empty if it is none of ours.
[[nodiscard]] std::set<std::string> services_in(const std::string& pegasus_json);

/// kRefused, with the cure, if somebody else could have written what apply is about to believe: the
/// journal, the records and the generations.
[[nodiscard]] Status check_state_folder(Host& host);

}  // namespace arctic
