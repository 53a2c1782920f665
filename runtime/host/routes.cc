// Default routes of ours. Policy rules are in routes_rules.cc.
#include "runtime/host/routes.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "compiler/allocate.h"

namespace arctic {
namespace {

using netlink::Answer;
using netlink::Attributes;
using netlink::Message;
using netlink::RouteSocket;

using IndexNames = std::map<std::uint32_t, std::string>;

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
  text += type_name(route.type);
  if (!route.device.empty()) text += " dev " + route.device;
  text += " table " + std::to_string(route.table);
  if (route.metric != 0) text += " metric " + std::to_string(route.metric);
  return text;
}

std::uint8_t type_number(RouteType type) {
  switch (type) {
    case RouteType::kLocal:
      return RTN_LOCAL;
    case RouteType::kUnicast:
      return RTN_UNICAST;
    case RouteType::kUnreachable:
      return RTN_UNREACHABLE;
  }
  return RTN_UNSPEC;
}

std::optional<RouteType> route_type(std::uint8_t number) {
  for (const RouteType type : {RouteType::kLocal, RouteType::kUnicast, RouteType::kUnreachable}) {
    if (type_number(type) == number) return type;
  }
  return std::nullopt;
}

/// What a route of ours never has.
std::string strangeness(const Attributes& attributes, Family family) {
  if (attributes.has(RTA_MULTIPATH)) return "over several next hops";
  if (attributes.has(RTA_NH_ID)) return "over a nexthop object";
  if (attributes.has(RTA_VIA)) return "via another family";
  const nlattr* gateway = attributes.find(RTA_GATEWAY);
  if (gateway == nullptr) return {};
  if (static_cast<std::size_t>(nla_len(gateway)) < Address{family, 0}.size()) return "via ?";
  return "via " + address_from_bytes(family, nla_data(gateway)).to_string();
}

struct LiveRoute {
  PolicyRoute route;
  std::uint8_t protocol = 0;
  std::uint32_t flags = 0;
  std::uint32_t index = 0;
};

/// nullopt: not a default route, or of a type that a PolicyRoute cannot tell.
std::optional<LiveRoute> parse_route(const nlmsghdr* header, const IndexNames& names) {
  const auto* info = static_cast<const rtmsg*>(nlmsg_data(const_cast<nlmsghdr*>(header)));
  if (header->nlmsg_type != RTM_NEWROUTE || info->rtm_dst_len != 0 || info->rtm_src_len != 0 ||
      (info->rtm_family != AF_INET && info->rtm_family != AF_INET6)) {
    return std::nullopt;
  }
  const auto type = route_type(info->rtm_type);
  if (!type) return std::nullopt;
  const auto attributes = Attributes::of(header, info);
  LiveRoute live;
  live.protocol = info->rtm_protocol;
  live.flags = info->rtm_flags;
  live.index = attributes.u32(RTA_OIF);
  PolicyRoute& route = live.route;
  route.family = info->rtm_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  route.table = attributes.u32(RTA_TABLE, info->rtm_table);
  route.type = *type;
  route.metric = attributes.u32(RTA_PRIORITY);
  if (*type == RouteType::kUnreachable) return live;  // IPv6 shows them on lo
  const auto name = names.find(live.index);
  if (name != names.end()) route.device = name->second;
  const std::string strange = strangeness(attributes, route.family);
  if (!strange.empty()) route.device += " " + strange;
  return live;
}

/// The interface of a route over several next hops.
std::uint32_t first_next_hop(const nlmsghdr* header) {
  const auto* info = static_cast<const rtmsg*>(nlmsg_data(const_cast<nlmsghdr*>(header)));
  const nlattr* hops = Attributes::of(header, info).find(RTA_MULTIPATH);
  if (hops == nullptr || static_cast<std::size_t>(nla_len(hops)) < sizeof(rtnexthop)) return 0;
  return static_cast<std::uint32_t>(static_cast<const rtnexthop*>(nla_data(hops))->rtnh_ifindex);
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

std::uint8_t scope_of(RouteType type) {
  switch (type) {
    case RouteType::kLocal:
      return RT_SCOPE_HOST;
    case RouteType::kUnicast:
      return RT_SCOPE_LINK;
    case RouteType::kUnreachable:
      return RT_SCOPE_UNIVERSE;
  }
  return RT_SCOPE_UNIVERSE;
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
        if (!live || live->route.table != route.table || live->route.metric != route.metric) return;
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
          if (live && live->protocol == kRouteProtocol && live->route.family == family) {
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
  const auto gone = [](const Answer& answer) {
    return answer.error == 0 || answer.error == ESRCH || answer.error == ENODEV ||
           answer.error == ENOENT;
  };
  const bool strange = route.device.find(' ') != std::string::npos;
  Answer answer;
  if (!strange) {
    std::uint32_t index = 0;
    if (!route.device.empty()) {
      index = ::if_nametoindex(route.device.c_str());
      if (index == 0) return {};  // its routes went with it
    }
    Message message = route_message(RTM_DELROUTE, 0, route, RT_SCOPE_NOWHERE, index);
    answer = socket.request(message);
  } else {
    // The kernel's own description is the only one that means exactly this route.
    ARCTIC_TRY(const auto links, read_links(socket));
    IndexNames names;
    for (const auto& [name, live] : links) {
      names.emplace(static_cast<std::uint32_t>(live.index), name);
    }
    std::optional<Message> message;
    ARCTIC_CHECK(dump_routes(
        socket, {route.family, 0, kRouteProtocol}, [&] { message.reset(); },
        [&](const nlmsghdr* header) {
          const auto live = parse_route(header, names);
          if (!live || live->protocol != kRouteProtocol || !(live->route == route)) return;
          message = Message::copy(header, RTM_DELROUTE);
        }));
    if (!message) return {};
    answer = socket.request(*message);
  }
  if (gone(answer)) return {};
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
          if (!live || live->route.table != RT_TABLE_MAIN ||
              live->route.type != RouteType::kUnicast || (live->flags & RTNH_F_DEAD) != 0) {
            return;
          }
          const std::uint32_t index = live->index != 0 ? live->index : first_next_hop(header);
          if (index == 0 || (best_index != 0 && live->route.metric >= best_metric)) return;
          best_index = index;
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
