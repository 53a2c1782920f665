// A route as the kernel tells it: ours by shape, or strange and then in words.
//
// Used by routes.cc alone. Never sends anything.
#pragma once

#include <linux/rtnetlink.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "compiler/node_state.h"
#include "runtime/host/netlink.h"

namespace arctic {

using IndexNames = std::map<std::uint32_t, std::string>;

struct LiveRoute {
  PolicyRoute route;  ///< `strange` is filled in whatever the protocol
  std::uint8_t protocol = 0;
  std::uint8_t type = 0;  ///< RTN_…
  std::uint32_t flags = 0;
  std::uint32_t index = 0;  ///< of its interface, or of its first next hop's
  bool is_default = false;  ///< for every source and destination
  bool has_tos = false;     ///< which gives it a place of its own
};

/// nullopt: no route of a family that we know.
[[nodiscard]] std::optional<LiveRoute> parse_route(const nlmsghdr* header, const IndexNames& names);

/// The request that deletes this route and no other.
[[nodiscard]] netlink::Message deletion_of(const nlmsghdr* header);

[[nodiscard]] std::uint8_t type_number(RouteType type);
[[nodiscard]] std::uint8_t scope_of(RouteType type);

}  // namespace arctic
