// Reading links, and making, changing and deleting ours. TUN devices are made in links_tun.cc.
#include "runtime/host/links.h"

#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>
#include <random>
#include <utility>

#include "runtime/host/links_tun.h"

namespace arctic {
namespace {

using netlink::Answer;
using netlink::Attributes;
using netlink::Message;
using netlink::RouteSocket;

constexpr std::uint32_t kSkipStatistics = RTEXT_FILTER_SKIP_STATS;

const char* mode_name(std::uint32_t mode) {
  switch (mode) {
    case MACVLAN_MODE_PRIVATE:
      return "mode private";
    case MACVLAN_MODE_VEPA:
      return "mode vepa";
    case MACVLAN_MODE_PASSTHRU:
      return "mode passthru";
    case MACVLAN_MODE_SOURCE:
      return "mode source";
    default:
      return "";
  }
}

std::string tun_detail(const Attributes& data) {
  if (data.u8(IFLA_TUN_TYPE) != IFF_TUN) return "a TAP device";
  if (data.u8(IFLA_TUN_PERSIST) == 0) return "not persistent";
  if (data.u8(IFLA_TUN_PI) != 0) return "with packet information";
  return {};
}

/// A link before its parent's index has become a name.
struct RawLink {
  std::string name;
  LiveLink live;
  std::uint32_t parent_index = 0;
  bool parent_elsewhere = false;
};

RawLink parse_link(const nlmsghdr* header) {
  const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(const_cast<nlmsghdr*>(header)));
  const auto attributes = Attributes::of(header, info);
  RawLink raw;
  raw.name = attributes.text(IFLA_IFNAME);
  raw.live.index = info->ifi_index;
  Link& link = raw.live.link;
  link.alias = attributes.text(IFLA_IFALIAS);
  link.mtu = attributes.u32(IFLA_MTU);
  link.tx_queue_length = attributes.u32(IFLA_TXQLEN);
  link.up = (info->ifi_flags & IFF_UP) != 0;
  const auto kind_info = attributes.nested(IFLA_LINKINFO);
  const std::string kind = kind_info.text(IFLA_INFO_KIND);
  const auto data = kind_info.nested(IFLA_INFO_DATA);
  if (kind == "macvlan") {
    link.kind = LinkKind::kMacvlan;
    link.no_arp = (info->ifi_flags & IFF_NOARP) != 0;
    raw.parent_index = attributes.u32(IFLA_LINK);
    raw.parent_elsewhere = attributes.has(IFLA_LINK_NETNSID);
    link.detail = mode_name(data.u32(IFLA_MACVLAN_MODE));
    if (raw.parent_elsewhere) link.detail = "parent in another network namespace";
  } else if (kind == "tun") {
    link.kind = LinkKind::kTun;
    link.multi_queue = data.u8(IFLA_TUN_MULTI_QUEUE) != 0;
    link.detail = tun_detail(data);
  } else if (raw.live.ours()) {
    link.detail = kind.empty() ? "a device that is neither macvlan nor tun" : "of type " + kind;
  }
  return raw;
}

Message get_message(const std::string& name) {
  Message message(RTM_GETLINK, 0);
  message.header(ifinfomsg{});
  if (!name.empty()) message.put(IFLA_IFNAME, name);
  message.put(IFLA_EXT_MASK, kSkipStatistics);
  return message;
}

/// A name that nobody has: 56 random bits behind a prefix.
std::string temporary_name() {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::string name = "arc";
  while (name.size() < IFNAMSIZ - 1) name += kDigits[random() % 36];
  return name;
}

bool same_structure(const Link& a, const Link& b) {
  return a.kind == b.kind && a.parent == b.parent && a.multi_queue == b.multi_queue &&
         a.detail == b.detail;
}

Answer delete_index(RouteSocket& socket, int index) {
  Message message(RTM_DELLINK, 0);
  ifinfomsg info{};
  info.ifi_index = index;
  message.header(info);
  return socket.request(message);
}

Status make_macvlan(RouteSocket& socket, const std::string& name, const Link& link) {
  ARCTIC_TRY(const auto parent, read_link(socket, link.parent));
  if (!parent) {
    return fail(
        ErrorCode::kFailure, name,
        "cannot make a macvlan interface: its parent_interface " + link.parent + " does not exist",
        "make " + link.parent + " first, or name another parent_interface");
  }
  // The kernel ignores an alias at creation. So the interface is made under a name that means
  // nothing and gets its alias within one system call; only then it takes its own name. Killed
  // between the two, we leave an interface of ours that the next apply removes.
  const std::string temporary = temporary_name();
  Message create(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  create.header(ifinfomsg{});
  create.put(IFLA_IFNAME, temporary);
  create.put(IFLA_LINK, static_cast<std::uint32_t>(parent->index));
  nlattr* info = create.begin(IFLA_LINKINFO);
  create.put(IFLA_INFO_KIND, std::string_view("macvlan"));
  nlattr* data = create.begin(IFLA_INFO_DATA);
  create.put(IFLA_MACVLAN_MODE, std::uint32_t{MACVLAN_MODE_BRIDGE});
  create.end(data);
  create.end(info);
  Message alias(RTM_SETLINK, 0);
  alias.header(ifinfomsg{});
  alias.put(IFLA_IFNAME, temporary);
  alias.put(IFLA_IFALIAS, link.alias.data(), link.alias.size());
  const auto answers = socket.request_all({&create, &alias});
  if (answers[0].error != 0) {
    return netlink::refused(
        name, "cannot make a macvlan interface on " + link.parent, answers[0],
        answers[0].error == EOPNOTSUPP ? "load the kernel module macvlan" : std::string());
  }
  ARCTIC_TRY(const auto made, read_link(socket, temporary));
  if (!made) return fail(ErrorCode::kFailure, name, "was deleted while it was made");
  Status done = answers[1].error != 0
                    ? Status(netlink::refused(name, "cannot set the alias", answers[1]))
                    : set_link(socket, made->index, name, link, /*rename=*/true);
  if (!done) (void)delete_index(socket, made->index);
  return done;
}

/// The kernel lets no interface have a name that is another's alternative one, and says EBUSY.
Status check_alternative_names(RouteSocket& socket, const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return {};
  std::string holder;
  Message message = get_message(name);
  const Answer answer =
      socket.get(message, [&](const nlmsghdr* header) { holder = parse_link(header).name; });
  if (answer.error != 0 || holder.empty() || holder == name) return {};
  return fail(ErrorCode::kRefused, name, "is an alternative name of interface " + holder,
              "take it away: ip link property del dev " + holder + " altname " + name);
}

}  // namespace

Status set_link(RouteSocket& socket, int index, const std::string& name, const Link& link,
                bool rename) {
  Message message(RTM_SETLINK, 0);
  ifinfomsg info{};
  info.ifi_index = index;
  info.ifi_change = IFF_UP;
  info.ifi_flags = link.up ? std::uint32_t{IFF_UP} : 0U;
  if (link.kind == LinkKind::kMacvlan) {  // a TUN device never has ARP
    info.ifi_change |= IFF_NOARP;
    if (link.no_arp) info.ifi_flags |= IFF_NOARP;
  }
  message.header(info);
  if (rename) message.put(IFLA_IFNAME, name);
  message.put(IFLA_IFALIAS, link.alias.data(), link.alias.size());
  if (link.mtu != 0) message.put(IFLA_MTU, link.mtu);
  if (link.tx_queue_length != 0) message.put(IFLA_TXQLEN, link.tx_queue_length);
  const Answer answer = socket.request(message);
  if (answer.error == 0) return {};
  return netlink::refused(name, "cannot set up the interface", answer);
}

Result<std::map<std::string, LiveLink>> read_links(RouteSocket& socket) {
  std::vector<RawLink> raw;
  Message message = get_message({});
  const Answer answer = netlink::steady_dump(
      socket, message, [&] { raw.clear(); },
      [&](const nlmsghdr* header) {
        if (header->nlmsg_type == RTM_NEWLINK) raw.push_back(parse_link(header));
      });
  if (answer.error != 0) return netlink::refused("interfaces", "cannot list them", answer);
  std::map<std::uint32_t, std::string> names;
  for (const RawLink& link : raw) names[static_cast<std::uint32_t>(link.live.index)] = link.name;
  std::map<std::string, LiveLink> links;
  for (RawLink& link : raw) {
    const auto parent = names.find(link.parent_index);
    if (!link.parent_elsewhere && parent != names.end()) link.live.link.parent = parent->second;
    links.emplace(std::move(link.name), std::move(link.live));
  }
  return links;
}

Result<std::optional<LiveLink>> read_link(RouteSocket& socket, const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return std::optional<LiveLink>();
  std::optional<RawLink> raw;
  Message message = get_message(name);
  const Answer answer =
      socket.get(message, [&](const nlmsghdr* header) { raw = parse_link(header); });
  if (answer.error == ENODEV) return std::optional<LiveLink>();
  if (answer.error != 0) return netlink::refused(name, "cannot read the interface", answer);
  if (!raw || raw->name != name) return std::optional<LiveLink>();
  char parent[IFNAMSIZ] = {};
  if (raw->parent_index != 0 && !raw->parent_elsewhere &&
      ::if_indextoname(raw->parent_index, parent) != nullptr) {
    raw->live.link.parent = parent;
  }
  return std::optional<LiveLink>(std::move(raw->live));
}

Status make_link(RouteSocket& socket, const std::string& name, const Link& link) {
  ARCTIC_TRY(const auto existing, read_link(socket, name));
  if (!existing) ARCTIC_CHECK(check_alternative_names(socket, name));
  if (existing) {
    if (!existing->ours()) {
      return fail(ErrorCode::kRefused, name,
                  "an interface of this name exists that arctic did not make",
                  "remove or rename it, then apply again");
    }
    if (same_structure(existing->link, link)) {
      return set_link(socket, existing->index, name, link, /*rename=*/false);
    }
    return fail(ErrorCode::kFailure, name, "is there already, as an interface of another kind",
                "apply again: it starts from what is there");
  }
  switch (link.kind) {
    case LinkKind::kMacvlan:
      return make_macvlan(socket, name, link);
    case LinkKind::kTun:
      return make_tun(socket, name, link);
    case LinkKind::kOther:
      break;
  }
  return fail(ErrorCode::kFailure, name, "arctic makes only macvlan and tun interfaces");
}

Status delete_link(RouteSocket& socket, const std::string& name) {
  ARCTIC_TRY(const auto existing, read_link(socket, name));
  if (!existing) return {};
  if (!existing->ours()) {
    return fail(ErrorCode::kRefused, name, "the interface is not arctic's any more",
                "its alias was changed: remove it by hand if it is not needed");
  }
  const Answer answer = delete_index(socket, existing->index);
  if (answer.error == 0 || answer.error == ENODEV) return {};
  return netlink::refused(name, "cannot delete the interface", answer);
}

}  // namespace arctic
