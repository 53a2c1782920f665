// Policy rules of ours.
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <optional>

#include "compiler/allocate.h"
#include "runtime/host/routes.h"

namespace arctic {
namespace {

using netlink::Answer;
using netlink::Attributes;
using netlink::Message;
using netlink::RouteSocket;

constexpr std::uint32_t kNoSuppression = 0xffffffffU;

std::uint8_t family_number(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

std::string rule_text(const PolicyRule& rule) {
  return std::string(rule.family == Family::kIpv4 ? "IPv4" : "IPv6") + " policy rule " +
         std::to_string(rule.preference);
}

std::string prefix_text(const Attributes& attributes, int attribute, Family family, int length) {
  const nlattr* found = attributes.find(attribute);
  if (found == nullptr || static_cast<std::size_t>(nla_len(found)) < Address{family, 0}.size()) {
    return "0/" + std::to_string(length);
  }
  return HostPrefix{address_from_bytes(family, nla_data(found)), static_cast<std::uint8_t>(length)}
      .to_string();
}

/// Every selector that ours never have, in `ip rule`'s words.
std::string strangeness(const fib_rule_hdr& info, const Attributes& attributes, Family family) {
  std::string text;
  const auto say = [&](const std::string& what) { text += (text.empty() ? "" : " ") + what; };
  if ((info.flags & FIB_RULE_INVERT) != 0) say("not");
  if (info.src_len != 0) say("from " + prefix_text(attributes, FRA_SRC, family, info.src_len));
  if (info.dst_len != 0) say("to " + prefix_text(attributes, FRA_DST, family, info.dst_len));
  if (info.tos != 0) say("tos " + std::to_string(info.tos));
  if (attributes.has(FRA_OIFNAME)) say("oif " + attributes.text(FRA_OIFNAME));
  if (attributes.u8(FRA_L3MDEV) != 0) say("l3mdev");
  if (attributes.has(FRA_UID_RANGE)) say("uidrange");
  if (attributes.u8(FRA_IP_PROTO) != 0) say("ipproto");
  if (attributes.has(FRA_SPORT_RANGE)) say("sport");
  if (attributes.has(FRA_DPORT_RANGE)) say("dport");
  if (attributes.has(FRA_TUN_ID)) say("tun_id");
  if (attributes.u32(FRA_FLOW) != 0) say("realms");
  if (attributes.u32(FRA_SUPPRESS_PREFIXLEN, kNoSuppression) != kNoSuppression) {
    say("suppress_prefixlength");
  }
  if (attributes.u32(FRA_SUPPRESS_IFGROUP, kNoSuppression) != kNoSuppression) {
    say("suppress_ifgroup");
  }
  constexpr int kLastKnown = FRA_DPORT_RANGE;
  if (attributes.highest() > kLastKnown) say("a selector newer than arctic");
  return text;
}

std::optional<PolicyRule> parse_rule(const nlmsghdr* header) {
  const auto* info = static_cast<const fib_rule_hdr*>(nlmsg_data(const_cast<nlmsghdr*>(header)));
  if (header->nlmsg_type != RTM_NEWRULE || (info->family != AF_INET && info->family != AF_INET6)) {
    return std::nullopt;
  }
  const auto attributes = Attributes::of(header, info);
  if (attributes.u8(FRA_PROTOCOL) != kRouteProtocol) return std::nullopt;
  PolicyRule rule;
  rule.family = info->family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  rule.preference = attributes.u32(FRA_PRIORITY);
  rule.iif = attributes.text(FRA_IIFNAME);
  if (attributes.has(FRA_FWMARK) || attributes.has(FRA_FWMASK)) {
    rule.mark = attributes.u32(FRA_FWMARK);
    rule.mask = attributes.u32(FRA_FWMASK);
  }
  rule.strange = strangeness(*info, attributes, rule.family);
  switch (info->action) {
    case FR_ACT_TO_TBL:
      rule.action = RuleAction::kLookup;
      rule.target = attributes.u32(FRA_TABLE, info->table);
      break;
    case FR_ACT_GOTO:
      rule.action = RuleAction::kGoto;
      rule.target = attributes.u32(FRA_GOTO);
      break;
    case FR_ACT_NOP:
      rule.action = RuleAction::kNop;
      break;
    default:
      rule.strange +=
          (rule.strange.empty() ? "action " : " action ") + std::to_string(info->action);
  }
  return rule;
}

Message rule_message(std::uint16_t type, int flags, const PolicyRule& rule) {
  Message message(type, flags);
  fib_rule_hdr info{};
  info.family = family_number(rule.family);
  info.action = rule.action == RuleAction::kLookup ? FR_ACT_TO_TBL
                : rule.action == RuleAction::kGoto ? FR_ACT_GOTO
                                                   : FR_ACT_NOP;
  message.header(info);
  message.put(FRA_PROTOCOL, kRouteProtocol);
  message.put(FRA_PRIORITY, rule.preference);
  if (!rule.iif.empty()) message.put(FRA_IIFNAME, rule.iif);
  if (rule.mark) {
    message.put(FRA_FWMARK, *rule.mark);
    message.put(FRA_FWMASK, rule.mask);
  }
  if (rule.action == RuleAction::kLookup) message.put(FRA_TABLE, rule.target);
  if (rule.action == RuleAction::kGoto) message.put(FRA_GOTO, rule.target);
  return message;
}

Status dump_rules(RouteSocket& socket, Family family, const std::function<void()>& reset,
                  const RouteSocket::Receive& receive) {
  Message message(RTM_GETRULE, 0);
  fib_rule_hdr info{};
  info.family = family_number(family);
  message.header(info);
  const Answer answer = netlink::steady_dump(socket, message, reset, receive);
  if (answer.error == 0 || answer.error == EAFNOSUPPORT || answer.error == EOPNOTSUPP) return {};
  return netlink::refused("policy rules", "cannot list them", answer);
}

/// The kernel tells two rules apart by less than it tells us: "not fwmark 1" stands in the place of
/// "fwmark 1". Such a one of ours is deleted; false: the very rule is there already.
Result<bool> clear_place(RouteSocket& socket, const PolicyRule& rule) {
  bool same = false;
  std::optional<Message> other;
  ARCTIC_CHECK(dump_rules(
      socket, rule.family,
      [&] {
        same = false;
        other.reset();
      },
      [&](const nlmsghdr* header) {
        auto live = parse_rule(header);
        if (!live) return;
        same = same || *live == rule;
        const bool strange = !live->strange.empty();
        live->strange.clear();
        if (strange && *live == rule) other = Message::copy(header, RTM_DELRULE);
      }));
  if (same || !other) return false;
  const Answer answer = socket.request(*other);
  if (answer.error == 0 || answer.error == ENOENT) return true;
  return netlink::refused(rule_text(rule), "cannot be put in the place of another", answer);
}

}  // namespace

Result<std::set<PolicyRule>> read_rules(RouteSocket& socket) {
  std::set<PolicyRule> rules;
  for (const Family family : kFamilies) {
    std::set<PolicyRule> some;
    ARCTIC_CHECK(dump_rules(
        socket, family, [&] { some.clear(); },
        [&](const nlmsghdr* header) {
          auto rule = parse_rule(header);
          if (rule && rule->family == family) some.insert(std::move(*rule));
        }));
    rules.merge(some);
  }
  return rules;
}

Status add_rule(RouteSocket& socket, const PolicyRule& rule) {
  Message message = rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
  Answer answer = socket.request(message);
  if (answer.error == EEXIST) {
    ARCTIC_TRY(const bool cleared, clear_place(socket, rule));
    if (!cleared) return {};
    Message again = rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
    answer = socket.request(again);
  }
  if (answer.error == 0) return {};
  return netlink::refused(rule_text(rule), "cannot be added", answer,
                          answer.error == EOPNOTSUPP || answer.error == EAFNOSUPPORT
                              ? "the kernel needs policy routing (CONFIG_IP_MULTIPLE_TABLES, "
                                "CONFIG_IPV6_MULTIPLE_TABLES)"
                              : std::string());
}

Status delete_rule(RouteSocket& socket, const PolicyRule& rule) {
  std::optional<Message> message;
  if (rule.strange.empty()) {
    message = rule_message(RTM_DELRULE, 0, rule);
  } else {
    // The kernel's own description is the only one that means exactly this rule.
    ARCTIC_CHECK(dump_rules(
        socket, rule.family, [&] { message.reset(); },
        [&](const nlmsghdr* header) {
          const auto live = parse_rule(header);
          if (live && *live == rule) message = Message::copy(header, RTM_DELRULE);
        }));
    if (!message) return {};
  }
  const Answer answer = socket.request(*message);
  if (answer.error == 0 || answer.error == ENOENT || answer.error == ESRCH) return {};
  return netlink::refused(rule_text(rule), "cannot be deleted", answer);
}

}  // namespace arctic
