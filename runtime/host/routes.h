// Policy routing of ours: default routes in our tables, and policy rules, both of our protocol.
//
// Called by LinuxHost. Reads and changes only what carries kRouteProtocol.
#pragma once

#include <map>
#include <set>
#include <string>

#include "compiler/node_state.h"
#include "runtime/host/links.h"
#include "runtime/host/netlink.h"

namespace arctic {

/// Routes of our protocol: default ones in any table, in our tables all. What ours never are (a
/// gateway, a prefix, another type) is told in `strange`.
[[nodiscard]] Result<std::set<PolicyRoute>> read_routes(
    netlink::RouteSocket& socket, const std::map<std::string, LiveLink>& links);
[[nodiscard]] Result<std::set<PolicyRule>> read_rules(netlink::RouteSocket& socket);

/// Succeeds if the same route is there already. A default route of ours that differs in the device
/// alone is replaced; kRefused if another's stands in its place.
[[nodiscard]] Status add_route(netlink::RouteSocket& socket, const PolicyRoute& route);
/// Succeeds if there is no such route.
[[nodiscard]] Status delete_route(netlink::RouteSocket& socket, const PolicyRoute& route);

[[nodiscard]] Status add_rule(netlink::RouteSocket& socket, const PolicyRule& rule);
[[nodiscard]] Status delete_rule(netlink::RouteSocket& socket, const PolicyRule& rule);

/// The interface of the default route in `main` with the lowest metric, IPv4 before IPv6.
[[nodiscard]] Result<std::string> find_default_interface(netlink::RouteSocket& socket);

}  // namespace arctic
