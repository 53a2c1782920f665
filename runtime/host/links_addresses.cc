// Addresses of our links.
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <optional>

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
};

std::optional<RawAddress> parse_address_message(const nlmsghdr* header) {
  const auto* info = static_cast<const ifaddrmsg*>(nlmsg_data(const_cast<nlmsghdr*>(header)));
  if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) return std::nullopt;
  const auto attributes = Attributes::of(header, info);
  const Family family = info->ifa_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  // IFA_LOCAL is the interface's own end; IPv6 gives it only where the two ends differ.
  const nlattr* own = attributes.find(IFA_LOCAL);
  if (own == nullptr) own = attributes.find(IFA_ADDRESS);
  if (own == nullptr || static_cast<std::size_t>(nla_len(own)) < Address{family, 0}.size()) {
    return std::nullopt;
  }
  RawAddress raw;
  raw.index = static_cast<int>(info->ifa_index);
  raw.flags = attributes.u32(IFA_FLAGS, info->ifa_flags);
  raw.address = {address_from_bytes(family, nla_data(own)), info->ifa_prefixlen};
  return raw;
}

bool is_declared(const RawAddress& raw) {
  if ((raw.flags & IFA_F_PERMANENT) == 0) return false;
  const Prefix link_local{Family::kIpv6, 10, U128{0xfe80} << 112};
  return !link_local.contains(raw.address.address);
}

Message address_message(std::uint16_t type, int flags, int index, const HostPrefix& address) {
  Message message(type, flags);
  ifaddrmsg info{};
  info.ifa_family = address.address.family == Family::kIpv4 ? AF_INET : AF_INET6;
  info.ifa_prefixlen = address.length;
  info.ifa_index = static_cast<std::uint32_t>(index);
  message.header(info);
  const auto bytes = address.address.bytes();
  message.put(IFA_LOCAL, bytes.data(), address.address.size());
  message.put(IFA_ADDRESS, bytes.data(), address.address.size());
  return message;
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

/// IPv6 has one entry per address, whatever the length of its network: ours with another length
/// goes first.
Result<bool> delete_other_length(RouteSocket& socket, const LiveLink& link,
                                 const LinkAddress& wanted) {
  ARCTIC_TRY(const auto present, read_addresses(socket, {{wanted.link, link}}));
  if (present.count(wanted) > 0) return false;
  for (const LinkAddress& other : present) {
    if (other.address.address != wanted.address.address) continue;
    Message message = address_message(RTM_DELADDR, 0, link.index, other.address);
    const Answer answer = socket.request(message);
    if (answer.error == 0 || answer.error == EADDRNOTAVAIL) return true;
    return netlink::refused(wanted.link, "cannot delete the address " + other.address.to_string(),
                            answer);
  }
  return fail(ErrorCode::kFailure, wanted.link,
              "cannot add the address " + wanted.address.to_string() +
                  ": the interface has it already, not as a permanent one");
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
  Message message(RTM_GETADDR, 0);
  message.header(ifaddrmsg{});
  const Answer answer = netlink::steady_dump(
      socket, message, [&] { addresses.clear(); },
      [&](const nlmsghdr* header) {
        if (header->nlmsg_type != RTM_NEWADDR) return;
        const auto raw = parse_address_message(header);
        if (!raw || !is_declared(*raw)) return;
        const auto link = ours.find(raw->index);
        if (link != ours.end()) addresses.insert({link->second, raw->address, {}});
      });
  if (answer.error != 0) return netlink::refused("addresses", "cannot list them", answer);
  return addresses;
}

Status add_address(RouteSocket& socket, const LinkAddress& address) {
  ARCTIC_TRY(const auto link, read_our_link(socket, address));
  const std::string doing = "cannot add the address " + address.address.to_string();
  if (!link) return fail(ErrorCode::kFailure, address.link, doing + ": no such interface");
  for (int attempt = 0;; ++attempt) {
    Message message =
        address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link->index, address.address);
    const Answer answer = socket.request(message);
    if (answer.error == 0) return {};
    if (answer.error != EEXIST || attempt > 0) {
      return netlink::refused(address.link, doing, answer);
    }
    ARCTIC_TRY(const bool again, delete_other_length(socket, *link, address));
    if (!again) return {};
  }
}

Status delete_address(RouteSocket& socket, const LinkAddress& address) {
  ARCTIC_TRY(const auto link, read_our_link(socket, address));
  if (!link) return {};
  // Without this the kernel deletes the other addresses of the same network along with their first
  // one.
  const std::string promote = "net/ipv4/conf/" + address.link + "/promote_secondaries";
  std::optional<std::string> before;
  if (address.address.address.family == Family::kIpv4) {
    ARCTIC_TRY(before, read_sysctl(promote));
    if (before == "0") ARCTIC_CHECK(write_sysctl(promote, "1"));
  }
  Message message = address_message(RTM_DELADDR, 0, link->index, address.address);
  const Answer answer = socket.request(message);
  if (before == "0") ARCTIC_CHECK(write_sysctl(promote, *before));
  if (answer.error == 0 || answer.error == EADDRNOTAVAIL || answer.error == ENODEV) return {};
  return netlink::refused(address.link, "cannot delete the address " + address.address.to_string(),
                          answer);
}

}  // namespace arctic
