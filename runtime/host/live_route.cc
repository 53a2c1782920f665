#include "runtime/host/live_route.h"

#include <algorithm>
#include <iterator>

namespace arctic {
namespace {

using netlink::Attributes;
using netlink::Message;

constexpr std::pair<std::uint8_t, const char*> kTypeNames[] = {
    {RTN_LOCAL, "local "},         {RTN_BROADCAST, "broadcast "}, {RTN_ANYCAST, "anycast "},
    {RTN_MULTICAST, "multicast "}, {RTN_BLACKHOLE, "blackhole "}, {RTN_UNREACHABLE, "unreachable "},
    {RTN_PROHIBIT, "prohibit "},   {RTN_THROW, "throw "},         {RTN_NAT, "nat "}};

const rtmsg& info_of(const nlmsghdr* header) {
  return *static_cast<const rtmsg*>(nlmsg_data(const_cast<nlmsghdr*>(header)));
}

std::optional<RouteType> route_type(std::uint8_t number) {
  for (const RouteType type : {RouteType::kLocal, RouteType::kUnicast, RouteType::kUnreachable}) {
    if (type_number(type) == number) return type;
  }
  return std::nullopt;
}

std::string address_text(const nlattr* attribute, Family family) {
  if (static_cast<std::size_t>(nla_len(attribute)) < Address{family, 0}.size()) return "?";
  return address_from_bytes(family, nla_data(attribute)).to_string();
}

std::string prefix_text(const Attributes& attributes, int attribute, Family family, int length) {
  const nlattr* found = attributes.find(attribute);
  return (found == nullptr ? "0" : address_text(found, family)) + "/" + std::to_string(length);
}

/// The interface of a route over several next hops.
std::uint32_t first_next_hop(const Attributes& attributes) {
  const nlattr* hops = attributes.find(RTA_MULTIPATH);
  if (hops == nullptr || static_cast<std::size_t>(nla_len(hops)) < sizeof(rtnexthop)) return 0;
  return static_cast<std::uint32_t>(static_cast<const rtnexthop*>(nla_data(hops))->rtnh_ifindex);
}

bool expires(const Attributes& attributes) {
  const nlattr* cache = attributes.find(RTA_CACHEINFO);
  return cache != nullptr && static_cast<std::size_t>(nla_len(cache)) >= sizeof(rta_cacheinfo) &&
         static_cast<const rta_cacheinfo*>(nla_data(cache))->rta_expires != 0;
}

/// What a default route of ours never has, in `ip route`'s words; each begins with a blank.
std::string strange_parts(const rtmsg& info, const Attributes& attributes, Family family) {
  std::string text;
  const auto say = [&](const std::string& what) { text += " " + what; };
  if (info.rtm_src_len != 0) {
    say("from " + prefix_text(attributes, RTA_SRC, family, info.rtm_src_len));
  }
  if (attributes.has(RTA_NH_ID)) say("nhid " + std::to_string(attributes.u32(RTA_NH_ID)));
  if (attributes.has(RTA_MULTIPATH)) say("over several next hops");
  if (const nlattr* gateway = attributes.find(RTA_GATEWAY)) {
    say("via " + address_text(gateway, family));
  }
  if (attributes.has(RTA_VIA)) say("via another family");
  if (attributes.has(RTA_ENCAP)) say("encap");
  if (info.rtm_tos != 0) say("tos " + std::to_string(info.rtm_tos));
  if (const nlattr* source = attributes.find(RTA_PREFSRC)) {
    say("src " + address_text(source, family));
  }
  if (attributes.has(RTA_METRICS)) say("with metrics");
  if (attributes.u32(RTA_FLOW) != 0) say("realms");
  if (attributes.u8(RTA_PREF) != 0) say("pref");
  if (attributes.has(RTA_TTL_PROPAGATE)) say("ttl-propagate");
  if (expires(attributes)) say("expires");
  if ((info.rtm_flags & (RTNH_F_ONLINK | RTNH_F_PERVASIVE)) != 0) say("onlink");
  return text;
}

/// The whole route in words; empty if it could be one of ours.
std::string strange_text(const rtmsg& info, const Attributes& attributes, Family family,
                         const std::string& device) {
  const auto type = route_type(info.rtm_type);
  const std::string parts = strange_parts(info, attributes, family);
  const bool scope = type && family == Family::kIpv4 && info.rtm_scope != scope_of(*type);
  if (type && info.rtm_dst_len == 0 && parts.empty() && !scope) return {};
  const auto* name = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                  [&](const auto& item) { return item.first == info.rtm_type; });
  std::string text = name != std::end(kTypeNames) ? name->second : "";
  text += info.rtm_dst_len == 0 ? "default"
                                : prefix_text(attributes, RTA_DST, family, info.rtm_dst_len);
  if (!device.empty()) text += " dev " + device;
  if (scope) text += " scope " + std::to_string(info.rtm_scope);
  return text + parts;
}

}  // namespace

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

std::optional<LiveRoute> parse_route(const nlmsghdr* header, const IndexNames& names) {
  const rtmsg& info = info_of(header);
  if (header->nlmsg_type != RTM_NEWROUTE ||
      (info.rtm_family != AF_INET && info.rtm_family != AF_INET6)) {
    return std::nullopt;
  }
  const auto attributes = Attributes::of(header, &info);
  LiveRoute live;
  live.protocol = info.rtm_protocol;
  live.type = info.rtm_type;
  live.flags = info.rtm_flags;
  live.index = attributes.u32(RTA_OIF, first_next_hop(attributes));
  live.is_default = info.rtm_dst_len == 0 && info.rtm_src_len == 0;
  live.has_tos = info.rtm_tos != 0;
  PolicyRoute& route = live.route;
  route.family = info.rtm_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  route.table = attributes.u32(RTA_TABLE, info.rtm_table);
  route.type = route_type(info.rtm_type).value_or(RouteType::kUnicast);
  route.metric = attributes.u32(RTA_PRIORITY);
  // IPv6 shows what has no interface on lo.
  const bool has_device = info.rtm_type == RTN_UNICAST || info.rtm_type == RTN_LOCAL;
  const auto name = names.find(live.index);
  if (has_device && name != names.end()) route.device = name->second;
  route.strange = strange_text(info, attributes, route.family, route.device);
  return live;
}

Message deletion_of(const nlmsghdr* header) {
  rtmsg info = info_of(header);
  const auto attributes = Attributes::of(header, &info_of(header));
  // The state of its interface is no part of its name.
  info.rtm_flags = 0;
  Message message(RTM_DELROUTE, 0);
  message.header(info);
  // With a nexthop object the kernel shows what that consists of, and refuses to be told it.
  const bool by_object = attributes.has(RTA_NH_ID);
  for (const int number :
       {RTA_TABLE, RTA_DST, RTA_SRC, RTA_PRIORITY, RTA_PREFSRC, RTA_FLOW, RTA_METRICS, RTA_NH_ID,
        RTA_OIF, RTA_GATEWAY, RTA_VIA, RTA_MULTIPATH, RTA_ENCAP_TYPE, RTA_ENCAP}) {
    const bool of_object = number == RTA_OIF || number == RTA_GATEWAY || number == RTA_VIA ||
                           number == RTA_MULTIPATH || number == RTA_ENCAP_TYPE ||
                           number == RTA_ENCAP || number == RTA_FLOW;
    const nlattr* attribute = attributes.find(number);
    if (attribute == nullptr || (by_object && of_object)) continue;
    message.put(number, nla_data(attribute), static_cast<std::size_t>(nla_len(attribute)));
  }
  return message;
}

}  // namespace arctic
