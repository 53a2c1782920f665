// What a desired state leaves to the node: which interface the default route uses, the MTU of that
// interface, which ports others have reserved, and whether there is IPv6 at all.
//
// Called by plan, before the difference is made: names before the node is observed, the rest after.
#pragma once

#include "compiler/node_state.h"
#include "runtime/host/host.h"

namespace arctic {

inline constexpr const char* kReservedPortsPath = "net/ipv4/ip_local_reserved_ports";

/// Puts the interface of the default route in place of kDefaultRouteInterface. The host is asked
/// only if the state needs it; kRefused, with the cure, if there is no default route.
[[nodiscard]] Status resolve_interfaces(Host& host, NodeState& desired);

/// Turns each merge_ports value into the whole list: what others reserved, and ours.
/// REQUIRES: the records are merged into `actual`.
[[nodiscard]] Status resolve_ports(NodeState& desired, const NodeState& actual);

/// Gives each MACVLAN without an MTU that of its parent: the kernel lowers it with the parent's,
/// and never raises it again.
void resolve_mtus(NodeState& desired, const NodeState& actual);

/// Where IPv6 is off, takes out of `desired` what cannot be made. True if anything was.
bool leave_out_ipv6(NodeState& desired, const NodeState& actual);

}  // namespace arctic
