// What a peer may reach through which service: the exit's guard, without I/O.
//
// Asked for every OPEN. A destination or a transparent source in a guarded range (the node's own
// addresses, loopback, link-local, multicast, …) is refused unless one of the service's routes has
// a `dest_cidr` that lies within that range.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/pegasus/frame.h"
#include "schema/artifact/pegasus_config.h"

namespace arctic {

/// 0/8, 127/8, 169.254/16, 224/3, ::/127, ::ffff:0:0/96, fe80::/10, ff00::/8.
[[nodiscard]] const std::vector<Prefix>& guarded_ranges();

enum class Permission : std::uint8_t {
  kAllowed,
  kNoRoute,      ///< no (source, destination) of the service takes this connection
  kGuarded,      ///< the destination is one that no peer may reach
  kForgedSource  ///< Transparent Mode: the source is one that no peer may have
};
[[nodiscard]] const char* to_string(Permission permission);

/// REQUIRES: `tunnel` is of role exit. `own`: the node's addresses now.
[[nodiscard]] Permission permission(const PegasusConfig::Tunnel& tunnel, const OpenFrame& open,
                                    const std::vector<Address>& own);

}  // namespace arctic
