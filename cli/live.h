// The live node behind plan, apply, destroy and status: what the file wants of it, and its plan.
//
// One path for all of them: load, compile, plan. Prints nothing but notices; never applies.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/command.h"
#include "cli/input.h"
#include "runtime/host/apply.h"
#include "runtime/host/host.h"

namespace arctic::cli {

/// Configuration text → what this node should become.
[[nodiscard]] Result<Target> target_for(Session& session, const Loaded& loaded,
                                        const std::string& said_node);

/// Adds the notice that apply refuses this without --prune, if it does.
void note_prune(Plan& plan);

/// The plan as plan, apply and destroy show it: notices, changes, summary.
void print_plan(Session& session, const Plan& plan, bool full);
[[nodiscard]] nlohmann::ordered_json plan_json(const Plan& plan);

/// The peer that the plan is for; of destroy the one that the node is now, empty for none.
[[nodiscard]] const std::string& node_of(const Plan& plan);

/// "syd is at generation 4f2c…", "syd has nothing of Arctic".
[[nodiscard]] std::string standing(const std::string& node, const std::string& generation);

}  // namespace arctic::cli
