#include <fmt/format.h>

#include <type_traits>

#include "compiler/diff.h"
#include "compiler/statements.h"
#include "schema/base/hash.h"

namespace arctic {
namespace {

constexpr std::size_t kShownDigits = 12;

const char* family_name(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

/// What a value is called, why it is there, and what it says; one set of functions per kind.
std::string kind_of(const File&) { return "file"; }
std::string identity_of(const std::string& name, const File&) { return name; }
std::string reason_of(const File& file) { return file.origin; }
std::string value_of(const File& file) {
  return fmt::format("{} bytes, {}{}{}", file.content.size(),
                     hex(blake2b_256(file.content)).substr(0, kShownDigits),
                     file.detail.empty() ? "" : ", ", file.detail);
}

std::string kind_of(const Sysctl&) { return "sysctl"; }
std::string identity_of(const std::string& name, const Sysctl&) { return name; }
std::string reason_of(const Sysctl& sysctl) { return sysctl.origin; }
std::string value_of(const Sysctl& sysctl) { return sysctl.value; }

std::string kind_of(const Link&) { return "link"; }
std::string identity_of(const std::string& name, const Link&) { return name; }
std::string reason_of(const Link& link) { return link.origin.empty() ? link.alias : link.origin; }
std::string value_of(const Link& link) {
  std::string text;
  switch (link.kind) {
    case LinkKind::kTun:
      text = link.multi_queue ? "tun, multi-queue" : "tun";
      break;
    case LinkKind::kMacvlan:
      text = "macvlan on " + link.parent;
      break;
    case LinkKind::kOther:
      text = "of another kind";
      break;
  }
  if (!link.detail.empty()) text += ", " + link.detail;
  if (link.mtu != 0) text += fmt::format(", mtu {}", link.mtu);
  if (link.tx_queue_length != 0) text += fmt::format(", queue {}", link.tx_queue_length);
  text += link.up ? ", up" : ", down";
  if (link.no_arp) text += ", without ARP";
  return text + (link.alias.empty() ? ", no alias" : ", alias " + link.alias);
}

std::string kind_of(const LinkAddress&) { return "address"; }
std::string identity_of(const std::string&, const LinkAddress& address) {
  return address.address.to_string() + " dev " + address.link;
}
std::string reason_of(const LinkAddress& address) { return address.origin; }
std::string value_of(const LinkAddress& address) { return address.strange; }

std::string kind_of(const PolicyRoute&) { return "route"; }
std::string identity_of(const std::string&, const PolicyRoute& route) {
  return fmt::format("{} table {} metric {}", family_name(route.family), route.table, route.metric);
}
std::string reason_of(const PolicyRoute& route) { return route.origin; }
std::string value_of(const PolicyRoute& route) {
  if (!route.strange.empty()) return route.strange;
  switch (route.type) {
    case RouteType::kLocal:
      return "local default dev " + route.device;
    case RouteType::kUnreachable:
      return "unreachable default";
    case RouteType::kUnicast:
      break;
  }
  return "default dev " + route.device;
}

std::string kind_of(const PolicyRule&) { return "policy rule"; }
std::string identity_of(const std::string&, const PolicyRule& rule) {
  return fmt::format("{} {}", family_name(rule.family), rule.preference);
}
std::string reason_of(const PolicyRule& rule) { return rule.origin; }
std::string value_of(const PolicyRule& rule) {
  std::string text;
  if (!rule.strange.empty()) text += rule.strange + ' ';
  if (!rule.iif.empty()) text += "iif " + rule.iif + ' ';
  if (rule.mark) text += fmt::format("fwmark {:#010x}/{:#010x} ", *rule.mark, rule.mask);
  switch (rule.action) {
    case RuleAction::kLookup:
      return text + fmt::format("lookup {}", rule.target);
    case RuleAction::kGoto:
      return text + fmt::format("goto {}", rule.target);
    case RuleAction::kNop:
      break;
  }
  return text + "nop";
}

std::string kind_of(const TableHeader&) { return "nftables table"; }
std::string identity_of(const std::string& name, const TableHeader&) { return "inet " + name; }
std::string reason_of(const TableHeader& header) { return header.detail; }
std::string value_of(const TableHeader& header) { return header.replace ? "made anew" : ""; }

std::string kind_of(const MapHeader&) { return "nftables map"; }
std::string identity_of(const std::string& name, const MapHeader&) { return name; }
std::string reason_of(const MapHeader&) { return {}; }
std::string value_of(const MapHeader& header) {
  static constexpr const char* kTypes[] = {"ipv4_addr", "ipv6_addr", "mark", "ifname",
                                           "fib_addrtype"};
  return std::string(kTypes[static_cast<std::size_t>(header.key)]) +
         (header.interval ? ", interval" : "");
}

std::string kind_of(const ChainHeader&) { return "nftables chain"; }
std::string identity_of(const std::string& name, const ChainHeader&) { return name; }
std::string reason_of(const ChainHeader&) { return {}; }
std::string value_of(const ChainHeader& header) {
  return header.hook ? nft::text_of(*header.hook) : std::string();
}

std::string kind_of(const nft::Rule&) { return "nftables rule"; }
std::string identity_of(const std::string& name, const nft::Rule&) { return name; }
std::string reason_of(const nft::Rule& rule) { return rule.comment; }
std::string value_of(const nft::Rule& rule) { return nft::text_of(rule); }

std::string kind_of(const ElementOf&) { return "nftables element"; }
std::string identity_of(const std::string& name, const ElementOf& element) {
  return name + ' ' + nft::key_text(element.key, element.element.first, element.element.last);
}
std::string reason_of(const ElementOf& element) { return element.element.comment; }
std::string value_of(const ElementOf& element) { return element.element.verdict.to_string(); }

template <class T>
Action action_of(const Delta<T>& delta) {
  if (!delta.before) return Action::kAdd;
  return delta.after ? Action::kChange : Action::kRemove;
}

}  // namespace

Description describe(const Change& change) {
  return std::visit(
      [](const auto& delta) {
        const auto& shown = delta.after ? *delta.after : *delta.before;
        Description text{action_of(delta),
                         kind_of(shown),
                         identity_of(delta.name, shown),
                         reason_of(shown),
                         {},
                         {}};
        if (delta.before) text.before = value_of(*delta.before);
        if (delta.after) text.after = value_of(*delta.after);
        if constexpr (std::is_same_v<std::decay_t<decltype(delta)>, SysctlDelta>) {
          // Removing one is giving back the value of before our time.
          if (!delta.after && delta.before->before) text.after = *delta.before->before;
        }
        return text;
      },
      change);
}

ChangeCounts count(const Changes& changes) {
  ChangeCounts counts;
  for (const std::vector<Change>* phase :
       {&changes.prepare, &changes.nft, &changes.files, &changes.retire}) {
    for (const Change& change : *phase) {
      switch (std::visit([](const auto& delta) { return action_of(delta); }, change)) {
        case Action::kAdd:
          ++counts.add;
          break;
        case Action::kChange:
          ++counts.change;
          break;
        case Action::kRemove:
          ++counts.remove;
          break;
      }
    }
  }
  return counts;
}

}  // namespace arctic
