// Addresses of our links.
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "runtime/host/links.h"
#include "runtime/host/sysctls.h"

namespace arctic {
namespace {

using netlink::Answer;
using netlink::Attributes;
using netlink::Message;
using netlink::RouteSocket;

struct RawAddress {
  int index = 0;
  std::uint32_t flags = 0;
  HostPrefix address;
  Address other_end;  ///< differs from the address where there is a peer
  std::string strange;
};

std::optional<Address> read_end(const Attributes& attributes, int number, Family family) {
  const nlattr* found = attributes.find(number);
  if (found == nullptr || static_cast<std::size_t>(nla_len(found)) < Address{family, 0}.size()) {
    return std::nullopt;
  }
  return address_from_bytes(family, nla_data(found));
}

/// What an address of ours never has, in `ip address`'s words.
std::string strangeness(const ifaddrmsg& info, const Attributes& attributes,
                        const RawAddress& raw) {
  std::string text;
  const auto say = [&](const std::string& what) { text += (text.empty() ? "" : " ") + what; };
  if (raw.other_end != raw.address.address) say("peer " + raw.other_end.to_string());
  if (info.ifa_family == AF_INET && info.ifa_scope != RT_SCOPE_UNIVERSE) {
    say("scope " + std::to_string(info.ifa_scope));
  }
  if ((raw.flags & IFA_F_NOPREFIXROUTE) != 0) say("noprefixroute");
  if ((raw.flags & IFA_F_DEPRECATED) != 0) say("deprecated");
  const std::uint32_t metric = attributes.u32(IFA_RT_PRIORITY);
  if (metric != 0) say("metric " + std::to_string(metric));
  return text;
}

std::optional<RawAddress> parse_address_message(const nlmsghdr* header) {
  const auto* info = static_cast<const ifaddrmsg*>(nlmsg_data(const_cast<nlmsghdr*>(header)));
  if (header->nlmsg_type != RTM_NEWADDR) return std::nullopt;
  if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) return std::nullopt;
  const auto attributes = Attributes::of(header, info);
  const Family family = info->ifa_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  // IFA_LOCAL is the interface's own end; IPv6 gives it only where the two ends differ.
  const auto other = read_end(attributes, IFA_ADDRESS, family);
  const auto local = read_end(attributes, IFA_LOCAL, family);
  if (!other && !local) return std::nullopt;
  RawAddress raw;
  raw.index = static_cast<int>(info->ifa_index);
  raw.flags = attributes.u32(IFA_FLAGS, info->ifa_flags);
  raw.address = {local ? *local : *other, info->ifa_prefixlen};
  raw.other_end = other ? *other : *local;
  raw.strange = strangeness(*info, attributes, raw);
  return raw;
}

bool is_declared(const RawAddress& raw) {
  if ((raw.flags & IFA_F_PERMANENT) == 0) return false;
  return !kLinkLocalIpv6.contains(raw.address.address);
}

Message address_message(std::uint16_t type, int flags, int index, const HostPrefix& address,
                        const Address& other_end) {
  Message message(type, flags);
  ifaddrmsg info{};
  info.ifa_family = address.address.family == Family::kIpv4 ? AF_INET : AF_INET6;
  info.ifa_prefixlen = address.length;
  info.ifa_index = static_cast<std::uint32_t>(index);
  message.header(info);
  const auto bytes = address.address.bytes();
  const auto other_bytes = other_end.bytes();
  message.put(IFA_LOCAL, bytes.data(), address.address.size());
  message.put(IFA_ADDRESS, other_bytes.data(), other_end.size());
  return message;
}

/// Without promote_secondaries the kernel deletes the other addresses of the same network along
/// with their first one.
template <class Delete>
Status with_promotion(const std::string& link, Family family, Delete&& remove) {
  const std::string promote = "net/ipv4/conf/" + link + "/promote_secondaries";
  std::optional<std::string> before;
  if (family == Family::kIpv4) {
    ARCTIC_TRY(before, read_sysctl(promote));
    if (before == "0") ARCTIC_CHECK(write_sysctl(promote, "1"));
  }
  Status removed = remove();
  if (before == "0") ARCTIC_CHECK(write_sysctl(promote, *before));
  return removed;
}

Status delete_raw(RouteSocket& socket, const std::string& link, const RawAddress& raw) {
  return with_promotion(link, raw.address.address.family, [&]() -> Status {
    Message message = address_message(RTM_DELADDR, 0, raw.index, raw.address, raw.other_end);
    const Answer answer = socket.request(message);
    if (answer.error == 0 || answer.error == EADDRNOTAVAIL || answer.error == ENODEV) return {};
    return netlink::refused(link, "cannot delete the address " + raw.address.to_string(), answer);
  });
}

using SeeAddress = std::function<void(RawAddress&&)>;

/// `filter` is the kernel's work where it knows how, so it is only a matter of speed.
Status dump_addresses(RouteSocket& socket, const ifaddrmsg& filter,
                      const std::function<void()>& reset, const SeeAddress& see) {
  Message message(RTM_GETADDR, 0);
  message.header(filter);
  const Answer answer = netlink::steady_dump(socket, message, reset, [&](const nlmsghdr* header) {
    if (auto raw = parse_address_message(header)) see(std::move(*raw));
  });
  // An interface that is gone, or a family that is not there, has none.
  if (answer.error == 0 || answer.error == ENODEV || answer.error == EAFNOSUPPORT) return {};
  return netlink::refused("addresses", "cannot list them", answer);
}

/// The addresses of one interface, whoever declared them, that have this own end.
Result<std::vector<RawAddress>> same_addresses(RouteSocket& socket, int index,
                                               const Address& address) {
  ifaddrmsg filter{};
  filter.ifa_family = address.family == Family::kIpv4 ? AF_INET : AF_INET6;
  filter.ifa_index = static_cast<std::uint32_t>(index);
  std::vector<RawAddress> found;
  ARCTIC_CHECK(dump_addresses(
      socket, filter, [&] { found.clear(); },
      [&](RawAddress&& raw) {
        if (raw.index == index && raw.address.address == address) found.push_back(std::move(raw));
      }));
  return found;
}

std::string address_hint(const LiveLink& link, const LinkAddress& address, const Answer& answer) {
  constexpr std::uint32_t kLeastIpv6Mtu = 1280;
  if (address.address.address.family != Family::kIpv6) return {};
  if (link.link.mtu < kLeastIpv6Mtu) {
    return "IPv6 needs an MTU of at least 1280, and the interface has " +
           std::to_string(link.link.mtu) +
           (link.link.parent.empty() ? "" : ", no more than " + link.link.parent + " has");
  }
  if (answer.error == EACCES) {
    return "IPv6 is switched off here: look at net.ipv6.conf." + address.link + ".disable_ipv6";
  }
  return {};
}

Result<std::optional<LiveLink>> read_our_link(RouteSocket& socket, const LinkAddress& address) {
  ARCTIC_TRY(auto link, read_link(socket, address.link));
  if (link && !link->ours()) {
    return fail(ErrorCode::kRefused, address.link,
                "the interface is not arctic's: its address " + address.address.to_string() +
                    " is left alone");
  }
  return link;
}

/// IPv6 has one entry per address, whatever the length of its network, and both families keep what
/// is not compared (a lifetime, a peer): what is not just as wanted goes first. False: it is.
Result<bool> clear_place(RouteSocket& socket, const LiveLink& link, const LinkAddress& wanted) {
  ARCTIC_TRY(const auto present, same_addresses(socket, link.index, wanted.address.address));
  const bool v6 = wanted.address.address.family == Family::kIpv6;
  bool cleared = false;
  for (const RawAddress& raw : present) {
    const bool same_length = raw.address == wanted.address;
    if (same_length && is_declared(raw) && raw.strange.empty()) return false;
    if (!same_length && !v6) continue;
    ARCTIC_CHECK(delete_raw(socket, wanted.link, raw));
    cleared = true;
  }
  return cleared;
}

}  // namespace

Result<std::set<LinkAddress>> read_addresses(RouteSocket& socket,
                                             const std::map<std::string, LiveLink>& links) {
  std::map<int, std::string> ours;
  for (const auto& [name, live] : links) {
    if (live.ours()) ours.emplace(live.index, name);
  }
  std::set<LinkAddress> addresses;
  if (ours.empty()) return addresses;
  ARCTIC_CHECK(dump_addresses(
      socket, {}, [&] { addresses.clear(); },
      [&](RawAddress&& raw) {
        const auto link = ours.find(raw.index);
        if (link == ours.end() || !is_declared(raw)) return;
        addresses.insert({link->second, raw.address, {}, std::move(raw.strange)});
      }));
  return addresses;
}

Status add_address(RouteSocket& socket, const LinkAddress& address) {
  ARCTIC_TRY(const auto link, read_our_link(socket, address));
  const std::string doing = "cannot add the address " + address.address.to_string();
  if (!link) return fail(ErrorCode::kFailure, address.link, doing + ": no such interface");
  for (int attempt = 0;; ++attempt) {
    Message message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link->index,
                                      address.address, address.address.address);
    const Answer answer = socket.request(message);
    if (answer.error == 0) return {};
    if (answer.error != EEXIST || attempt > 0) {
      return netlink::refused(address.link, doing, answer, address_hint(*link, address, answer));
    }
    ARCTIC_TRY(const bool again, clear_place(socket, *link, address));
    if (!again) return {};
  }
}

Status delete_address(RouteSocket& socket, const LinkAddress& address) {
  ARCTIC_TRY(const auto link, read_our_link(socket, address));
  if (!link) return {};
  ARCTIC_TRY(const auto present, same_addresses(socket, link->index, address.address.address));
  for (const RawAddress& raw : present) {
    if (raw.address != address.address || raw.strange != address.strange) continue;
    ARCTIC_CHECK(delete_raw(socket, address.link, raw));
  }
  return {};
}

}  // namespace arctic
