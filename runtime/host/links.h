// Network interfaces of ours and their addresses: read, made, changed, deleted over rtnetlink.
//
// Called by LinuxHost. An interface is ours if its alias begins with kAliasPrefix; nothing else is
// ever changed or deleted. Making one leaves either nothing or an interface with our alias, even if
// the process is killed half way.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "compiler/node_state.h"
#include "runtime/host/netlink.h"

namespace arctic {

/// A link as the kernel has it, with what only the host needs.
struct LiveLink {
  int index = 0;
  Link link;

  [[nodiscard]] bool ours() const { return link.alias.rfind(kAliasPrefix, 0) == 0; }
};

/// All links of the namespace by name.
[[nodiscard]] Result<std::map<std::string, LiveLink>> read_links(netlink::RouteSocket& socket);
/// One link; nullopt if there is none of this name.
[[nodiscard]] Result<std::optional<LiveLink>> read_link(netlink::RouteSocket& socket,
                                                        const std::string& name);
/// Permanent addresses of those of `links` that are ours; link-local IPv6 ones are the kernel's.
/// What ours never have (a peer, another scope) is told in `strange`.
[[nodiscard]] Result<std::set<LinkAddress>> read_addresses(
    netlink::RouteSocket& socket, const std::map<std::string, LiveLink>& links);

/// Makes the link, or changes alias, MTU, queue length and up or down of one of ours in place.
/// kRefused if another's link has the name; kFailure if one of ours has, but of another kind.
[[nodiscard]] Status make_link(netlink::RouteSocket& socket, const std::string& name,
                               const Link& link);
/// Succeeds if there is no such link; kRefused if it is not ours any more.
[[nodiscard]] Status delete_link(netlink::RouteSocket& socket, const std::string& name);

/// What stands in its place (the same address with a lifetime, a peer, another length) is deleted.
[[nodiscard]] Status add_address(netlink::RouteSocket& socket, const LinkAddress& address);
/// Other addresses of the interface stay, whichever of them the kernel holds for the first.
[[nodiscard]] Status delete_address(netlink::RouteSocket& socket, const LinkAddress& address);

}  // namespace arctic
