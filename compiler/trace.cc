#include "compiler/trace.h"

#include <charconv>
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

bool matches(const Config& config, const Rule& rule, const Packet& packet) {
  if (rule.category == Category::kInterface) {
    return !packet.iif.empty() && packet.iif == macvlan_name(config.services[rule.service]);
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

std::string category_reason(Category winner, Category loser) {
  static constexpr const char* kMatch[] = {"", "the interface", "source and destination",
                                           "the source", "the destination"};
  if (winner == Category::kInterface) {
    return "it arrives on the service's interface, which beats every route";
  }
  return std::string("a route that matches ") + kMatch[static_cast<int>(winner)] +
         " beats one that matches only " + kMatch[static_cast<int>(loser)];
}

std::string reason(const Config& config, const Rule& winner, const Rule& loser) {
  if (winner.category != loser.category) return category_reason(winner.category, loser.category);
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

std::optional<std::size_t> first_match(const Config& config, const RulePlan& plan,
                                       const Packet& packet) {
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    if (matches(config, plan.rules[i], packet)) return i;
  }
  return std::nullopt;
}

struct Tracer::Maps {
  std::unordered_map<std::string, std::size_t> interfaces;
  SourceTables tables;
};

Tracer::Tracer(const Config& config, const RulePlan& plan) : maps_(std::make_unique<Maps>()) {
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    const Rule& rule = plan.rules[i];
    if (rule.category != Category::kInterface) break;
    maps_->interfaces.emplace(macvlan_name(config.services[rule.service]), i);
  }
  maps_->tables = source_tables(plan.rules);
}

Tracer::~Tracer() = default;
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;

std::optional<std::size_t> Tracer::match(const Packet& packet) const {
  if (!packet.iif.empty()) {
    const auto it = maps_->interfaces.find(packet.iif);
    if (it != maps_->interfaces.end()) return it->second;
  }
  return find_rule(maps_->tables.of(packet.from.family), packet.from.bits, packet.to.bits);
}

Explanation explain(const Config& config, const RulePlan& plan, const Packet& packet) {
  Explanation out;
  for (std::size_t i = 0; i < out.categories.size(); ++i) {
    out.categories[i].category = static_cast<Category>(i + 1);
  }
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
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
  if (!out.winner) {
    out.why = "no interface and no route matches: the packet is left alone";
  } else if (out.beaten.empty()) {
    out.why = "nothing else matches";
  } else {
    out.why = reason(config, plan.rules[*out.winner], plan.rules[out.beaten.front()]);
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
