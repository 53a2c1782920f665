// Observing a node the way plan, read-back and undo need it: everything of ours, with the records,
// and of others' only what is in the way.
//
// Used inside runtime/host alone.
#pragma once

#include "compiler/node_state.h"
#include "runtime/host/host.h"
#include "schema/artifact/sysctl_record.h"

namespace arctic {

/// The node as it is, to be compared with `desired`. Besides what Host::observe gives: records are
/// merged, parameters of our links know their link, and the runtimes' files are there whether
/// `desired` has them or not, unless they are no longer wanted and are none of ours.
[[nodiscard]] Result<NodeState> look(Host& host, const NodeState& desired,
                                     const SysctlRecords& records);

/// True if the file at `path` has the form that we write there.
[[nodiscard]] bool is_our_file(const std::string& path, const std::string& content);

/// `before` as far as it can be made again from `now`: without what someone else had put into ours
/// and an apply has removed.
[[nodiscard]] NodeState restorable(const NodeState& before, const NodeState& now);

}  // namespace arctic
