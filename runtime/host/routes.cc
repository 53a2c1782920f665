// Routes of ours. Policy rules are in routes_rules.cc.
#include "runtime/host/routes.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "compiler/allocate.h"
#include "runtime/host/live_route.h"

namespace arctic {
namespace {

using netlink::Answer;
using netlink::Message;
using netlink::RouteSocket;

std::uint8_t family_number(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

const char* type_name(RouteType type) {
  switch (type) {
    case RouteType::kLocal:
      return "local default";
    case RouteType::kUnicast:
      return "default";
    case RouteType::kUnreachable:
      return "unreachable default";
  }
  return "";
}

std::string route_text(const PolicyRoute& route) {
  std::string text = route.family == Family::kIpv4 ? "IPv4 route " : "IPv6 route ";
  text += route.strange.empty() ? type_name(route.type) : route.strange;
  if (route.strange.empty() && !route.device.empty()) text += " dev " + route.device;
  text += " table " + std::to_string(route.table);
  if (route.metric != 0) text += " metric " + std::to_string(route.metric);
  return text;
}

struct Filter {
  Family family = Family::kIpv4;
  std::uint32_t table = 0;    ///< 0: all
  std::uint8_t protocol = 0;  ///< 0: all
};

/// The filter is the kernel's work where it knows how, so it is only a matter of speed.
Status dump_routes(RouteSocket& socket, const Filter& filter, const std::function<void()>& reset,
                   const RouteSocket::Receive& receive) {
  Message message(RTM_GETROUTE, 0);
  rtmsg info{};
  info.rtm_family = family_number(filter.family);
  info.rtm_protocol = filter.protocol;
  message.header(info);
  if (filter.table != 0) message.put(RTA_TABLE, filter.table);
  const Answer answer = netlink::steady_dump(socket, message, reset, receive);
  // A table without routes does not exist; a kernel without IPv6 has none of its routes.
  if (answer.error == 0 || answer.error == ENOENT || answer.error == EAFNOSUPPORT ||
      answer.error == EOPNOTSUPP) {
    return {};
  }
  return netlink::refused("routes", "cannot list them", answer);
}

Message route_message(std::uint16_t type, int flags, const PolicyRoute& route, std::uint8_t scope,
                      std::uint32_t index) {
  Message message(type, flags);
  rtmsg info{};
  info.rtm_family = family_number(route.family);
  info.rtm_protocol = kRouteProtocol;
  info.rtm_scope = scope;
  info.rtm_type = type_number(route.type);
  info.rtm_table = RT_TABLE_UNSPEC;
  message.header(info);
  message.put(RTA_TABLE, route.table);
  if (route.metric != 0) message.put(RTA_PRIORITY, route.metric);
  if (index != 0) message.put(RTA_OIF, index);
  return message;
}

/// Of our protocol; what is not even a default route counts in our own tables alone.
bool is_ours(const LiveRoute& live) {
  const std::uint32_t table = live.route.table;
  const bool our_table = table >= kLocalTable && table <= kPeerTableBase + kNumberRange;
  const bool our_shape = live.is_default && (live.type == RTN_UNICAST || live.type == RTN_LOCAL ||
                                             live.type == RTN_UNREACHABLE);
  return live.protocol == kRouteProtocol && (our_table || our_shape);
}

IndexNames name_of(std::uint32_t index, const std::string& name) {
  IndexNames names;
  if (index != 0) names.emplace(index, name);
  return names;
}

std::string route_hint(const PolicyRoute& route, const Answer& answer) {
  if (answer.error == ENETDOWN) {
    return "bring the interface up: ip link set " + route.device + " up";
  }
  if (route.family == Family::kIpv6 && (answer.error == EACCES || answer.error == EAFNOSUPPORT ||
                                        answer.error == EOPNOTSUPP || answer.error == EINVAL)) {
    return "IPv6 is switched off here: look at net.ipv6.conf." +
           (route.device.empty() ? std::string("all") : route.device) + ".disable_ipv6";
  }
  return {};
}

/// What stands where `route` should: itself (nothing to do), another of ours (true: replace it), or
/// a stranger's.
Result<bool> must_replace(RouteSocket& socket, const PolicyRoute& route, std::uint32_t index) {
  bool same = false;
  bool foreign = false;
  const auto names = name_of(index, route.device);
  ARCTIC_CHECK(dump_routes(
      socket, {route.family, route.table, 0}, [&] { same = foreign = false; },
      [&](const nlmsghdr* header) {
        const auto live = parse_route(header, names);
        const bool in_place = live && live->is_default && !live->has_tos &&
                              live->route.table == route.table &&
                              live->route.metric == route.metric;
        if (!in_place) return;
        same = same || (live->protocol == kRouteProtocol && live->route == route);
        foreign = foreign || live->protocol != kRouteProtocol;
      }));
  if (same) return false;
  if (foreign) {
    return fail(ErrorCode::kRefused, route_text(route),
                "another default route that is not arctic's stands in its place",
                "see: ip route show table " + std::to_string(route.table));
  }
  return true;
}

bool is_gone(const Answer& answer) {
  return answer.error == 0 || answer.error == ESRCH || answer.error == ENODEV ||
         answer.error == ENOENT;
}

/// By the kernel's own description, the only one that means exactly this route. Words may fit
/// several: all of them go.
Status delete_strange(RouteSocket& socket, const PolicyRoute& route) {
  ARCTIC_TRY(const auto links, read_links(socket));
  IndexNames names;
  for (const auto& [name, live] : links) {
    names.emplace(static_cast<std::uint32_t>(live.index), name);
  }
  std::vector<Message> deletions;
  ARCTIC_CHECK(dump_routes(
      socket, {route.family, route.table, kRouteProtocol}, [&] { deletions.clear(); },
      [&](const nlmsghdr* header) {
        const auto live = parse_route(header, names);
        if (live && is_ours(*live) && live->route == route) {
          deletions.push_back(deletion_of(header));
        }
      }));
  for (Message& deletion : deletions) {
    const Answer answer = socket.request(deletion);
    if (!is_gone(answer)) {
      return netlink::refused(route_text(route), "cannot be deleted", answer);
    }
  }
  return {};
}

}  // namespace

Result<std::set<PolicyRoute>> read_routes(RouteSocket& socket,
                                          const std::map<std::string, LiveLink>& links) {
  IndexNames names;
  for (const auto& [name, live] : links) {
    names.emplace(static_cast<std::uint32_t>(live.index), name);
  }
  std::set<PolicyRoute> routes;
  for (const Family family : kFamilies) {
    std::set<PolicyRoute> some;
    ARCTIC_CHECK(dump_routes(
        socket, {family, 0, kRouteProtocol}, [&] { some.clear(); },
        [&](const nlmsghdr* header) {
          const auto live = parse_route(header, names);
          if (live && live->route.family == family && is_ours(*live)) {
            some.insert(live->route);
          }
        }));
    routes.merge(some);
  }
  return routes;
}

Status add_route(RouteSocket& socket, const PolicyRoute& route) {
  std::uint32_t index = 0;
  if (!route.device.empty()) {
    index = ::if_nametoindex(route.device.c_str());
    if (index == 0) {
      return fail(ErrorCode::kFailure, route_text(route),
                  "cannot be added: there is no interface " + route.device);
    }
  }
  Message add =
      route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route, scope_of(route.type), index);
  Answer answer = socket.request(add);
  if (answer.error == EEXIST) {
    ARCTIC_TRY(const bool replace, must_replace(socket, route, index));
    if (!replace) return {};
    Message change = route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route,
                                   scope_of(route.type), index);
    answer = socket.request(change);
  }
  if (answer.error == 0) return {};
  return netlink::refused(route_text(route), "cannot be added", answer, route_hint(route, answer));
}

Status delete_route(RouteSocket& socket, const PolicyRoute& route) {
  if (!route.strange.empty()) return delete_strange(socket, route);
  std::uint32_t index = 0;
  if (!route.device.empty()) {
    index = ::if_nametoindex(route.device.c_str());
    if (index == 0) return {};  // its routes went with it
  }
  Message message = route_message(RTM_DELROUTE, 0, route, RT_SCOPE_NOWHERE, index);
  const Answer answer = socket.request(message);
  if (is_gone(answer)) return {};
  return netlink::refused(route_text(route), "cannot be deleted", answer);
}

Result<std::string> find_default_interface(RouteSocket& socket) {
  for (const Family family : kFamilies) {
    std::uint32_t best_index = 0;
    std::uint32_t best_metric = std::numeric_limits<std::uint32_t>::max();
    ARCTIC_CHECK(dump_routes(
        socket, {family, RT_TABLE_MAIN, 0}, [&] { best_index = 0; },
        [&](const nlmsghdr* header) {
          const auto live = parse_route(header, {});
          if (!live || !live->is_default || live->route.table != RT_TABLE_MAIN ||
              live->type != RTN_UNICAST || (live->flags & RTNH_F_DEAD) != 0) {
            return;
          }
          if (live->index == 0 || (best_index != 0 && live->route.metric >= best_metric)) return;
          best_index = live->index;
          best_metric = live->route.metric;
        }));
    char name[IFNAMSIZ] = {};
    if (best_index != 0 && ::if_indextoname(best_index, name) != nullptr) return std::string(name);
  }
  return fail(ErrorCode::kRefused, "parent_interface",
              "this node has no default route to take it from",
              "name the interface: parent_interface: eth0");
}

}  // namespace arctic
