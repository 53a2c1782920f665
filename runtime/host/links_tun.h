// Making TUN devices, and the one request that sets a link's properties. Private to links*.cc.
#pragma once

#include <string>

#include "compiler/node_state.h"
#include "runtime/host/netlink.h"

namespace arctic {

/// Makes a persistent TUN device without packet information. Until it has its alias it hangs on an
/// open file, so it goes if this process dies.
[[nodiscard]] Status make_tun(netlink::RouteSocket& socket, const std::string& name,
                              const Link& link);

/// Sets alias, MTU, queue length and up or down, in one request; with `rename` the name too.
[[nodiscard]] Status set_link(netlink::RouteSocket& socket, int index, const std::string& name,
                              const Link& link, bool rename);

}  // namespace arctic
