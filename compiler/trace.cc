#include "compiler/trace.h"

#include <charconv>
#include <map>
#include <unordered_map>

#include "compiler/sources.h"

namespace arctic {
namespace {

struct ProtocolName {
  std::string_view name;
  std::uint8_t number;
};

constexpr ProtocolName kProtocols[] = {
    {"icmp", 1},       {"igmp", 2},   {"ipip", 4},   {"tcp", 6},    {"udp", 17},     {"dccp", 33},
    {"ipv6", 41},      {"gre", 47},   {"esp", 50},   {"ah", 51},    {"ospf", 89},    {"icmpv6", 58},
    {"ipv6-icmp", 58}, {"vrrp", 112}, {"l2tp", 115}, {"sctp", 132}, {"udplite", 136}};

std::optional<Address> interface_address(const Service& service, Family family) {
  if (!service.has_interface()) return std::nullopt;
  const auto& address = family == Family::kIpv4 ? service.interface->ipv4 : service.interface->ipv6;
  return address ? std::optional(address->value.address) : std::nullopt;
}

bool matches(const Config& config, const Rule& rule, const Packet& packet) {
  if (rule.category == Category::kInterface) {
    const Service& service = config.services[rule.service];
    if (packet.iif == macvlan_name(service)) return true;
    return packet.may_be_local() && interface_address(service, packet.from.family) == packet.from;
  }
  return (!rule.source || rule.source->contains(packet.from)) &&
         (!rule.destination || rule.destination->contains(packet.to));
}

std::string against(const char* what, const std::string& winner, const std::string& loser) {
  return std::string(what) + ": " + winner + " beats " + loser;
}

std::string slash(const Prefix& prefix) {
  return "/" + std::to_string(static_cast<int>(prefix.length));
}

constexpr const char* kFromAddress =
    "the node itself sends it from the address of the service's interface";

std::string category_reason(Category winner, Category loser, const Packet& packet) {
  static constexpr const char* kMatch[] = {"", "the interface", "source and destination",
                                           "the source", "the destination"};
  if (winner == Category::kInterface) {
    return packet.may_be_local() ? std::string(kFromAddress) + ", which beats every route"
                                 : "it arrives on the service's interface, which beats every route";
  }
  return std::string("a route that matches ") + kMatch[static_cast<int>(winner)] +
         " beats one that matches only " + kMatch[static_cast<int>(loser)];
}

std::string reason(const Config& config, const Rule& winner, const Rule& loser,
                   const Packet& packet) {
  if (winner.category != loser.category) {
    return category_reason(winner.category, loser.category, packet);
  }
  if (winner.source && winner.source->length != loser.source->length) {
    return against("longer source prefix", slash(*winner.source), slash(*loser.source));
  }
  if (winner.destination && winner.destination->length != loser.destination->length) {
    return against("longer destination prefix", slash(*winner.destination),
                   slash(*loser.destination));
  }
  if (winner.priority != loser.priority) {
    return against("higher priority", std::to_string(winner.priority),
                   std::to_string(loser.priority));
  }
  return "equal in match and priority: " + route_label(config, winner) + " comes before " +
         route_label(config, loser);
}

}  // namespace

const char* never_captured(const Address& to) {
  const auto starts = [&](int bits, unsigned value) {
    return to.bits >> (address_bits(to.family) - bits) == value;
  };
  if (to.family == Family::kIpv4) {
    if (to.bits == max_address(Family::kIpv4)) return "the broadcast address";
    return starts(4, 0xe) ? "a multicast address" : nullptr;
  }
  if (starts(8, 0xff)) return "a multicast address";
  return kLinkLocalIpv6.contains(to) ? "a link-local address" : nullptr;
}

std::optional<std::size_t> first_match(const Config& config, const RulePlan& plan,
                                       const Packet& packet) {
  if (never_captured(packet.to) != nullptr) return std::nullopt;
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    if (matches(config, plan.rules[i], packet)) return i;
  }
  return std::nullopt;
}

struct Tracer::Maps {
  std::unordered_map<std::string, std::size_t> interfaces;
  std::map<Address, std::size_t> addresses;  ///< of the interfaces; of two services' the first
  SourceTables tables;
};

Tracer::Tracer(const Config& config, const RulePlan& plan) : maps_(std::make_unique<Maps>()) {
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    const Rule& rule = plan.rules[i];
    if (rule.category != Category::kInterface) break;
    const Service& service = config.services[rule.service];
    maps_->interfaces.emplace(macvlan_name(service), i);
    for (const Family family : kFamilies) {
      if (const auto address = interface_address(service, family)) {
        maps_->addresses.emplace(*address, i);
      }
    }
  }
  maps_->tables = source_tables(plan.rules);
}

Tracer::~Tracer() = default;
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;

std::optional<std::size_t> Tracer::match(const Packet& packet) const {
  if (never_captured(packet.to) != nullptr) return std::nullopt;
  if (!packet.iif.empty()) {
    const auto it = maps_->interfaces.find(packet.iif);
    if (it != maps_->interfaces.end()) return it->second;
  }
  if (packet.may_be_local()) {
    const auto it = maps_->addresses.find(packet.from);
    if (it != maps_->addresses.end()) return it->second;
  }
  return find_rule(maps_->tables.of(packet.from.family), packet.from.bits, packet.to.bits);
}

Explanation explain(const Config& config, const RulePlan& plan, const Packet& packet) {
  Explanation out;
  for (std::size_t i = 0; i < out.categories.size(); ++i) {
    out.categories[i].category = static_cast<Category>(i + 1);
  }
  const bool taken = never_captured(packet.to) == nullptr;
  for (std::size_t i = 0; i < plan.rules.size() && taken; ++i) {
    const Rule& rule = plan.rules[i];
    const bool interface = rule.category == Category::kInterface;
    if (!interface && rule.family() != packet.from.family) continue;
    CategoryTrace& category = out.categories[static_cast<std::size_t>(rule.category) - 1];
    ++category.tried;
    if (!matches(config, rule, packet)) continue;
    category.matches.push_back(i);
    if (out.winner) {
      out.beaten.push_back(i);
    } else {
      out.winner = i;
    }
  }
  if (const char* what = never_captured(packet.to)) {
    out.why = std::string("the destination is ") + what +
              ", which no service takes: the packet is left alone";
  } else if (!out.winner) {
    out.why = "no interface and no route matches: the packet is left alone";
  } else if (out.beaten.empty()) {
    const bool by_address =
        plan.rules[*out.winner].category == Category::kInterface && packet.may_be_local();
    out.why =
        by_address ? std::string(kFromAddress) + "; nothing else matches" : "nothing else matches";
  } else {
    out.why = reason(config, plan.rules[*out.winner], plan.rules[out.beaten.front()], packet);
  }
  return out;
}

std::optional<std::uint8_t> parse_protocol(std::string_view text) {
  for (const ProtocolName& protocol : kProtocols) {
    if (protocol.name == text) return protocol.number;
  }
  if (text.empty() || text.size() > 3) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > 255) return std::nullopt;
  return static_cast<std::uint8_t>(number);
}

}  // namespace arctic
