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

/// Adds to `actual` the parameters of those of our links that `desired` removes or makes again:
/// without them going back could make the links, but not as they were.
[[nodiscard]] Status look_at_leaving_links(Host& host, const NodeState& desired, NodeState& actual);

/// The parameters of a link that a configuration may set; `%` stands for its name.
inline constexpr const char* kLinkParameters[] = {
    "net/ipv4/conf/%/rp_filter", "net/ipv4/conf/%/arp_ignore", "net/ipv6/conf/%/addr_gen_mode"};

/// True if the file at `path` has the form that we write there.
[[nodiscard]] bool is_our_file(const std::string& path, const std::string& content);

/// `before` as far as it can be made again from `now`: without what someone else had put into ours
/// and an apply has removed.
[[nodiscard]] NodeState restorable(const NodeState& before, const NodeState& now);

}  // namespace arctic
