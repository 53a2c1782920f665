#include "cli/config_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "cli/route_facts.h"

namespace arctic::cli {

namespace {

// What makes a rule the same rule in both files. The position is no part of it: a route put in
// front of others moves them, and changes none.
using RuleKey = std::tuple<std::string, Category, std::optional<Prefix>, std::optional<Prefix>>;

struct RuleValue {
  std::uint32_t priority;
  std::string what;
};

using Rules = std::multimap<RuleKey, RuleValue>;

Rules rules_of(const Config& config, const RulePlan& plan) {
  Rules rules;
  for (const Rule& rule : plan.rules) {
    rules.emplace(RuleKey{config.services[rule.service].name.value, rule.category, rule.source,
                          rule.destination},
                  RuleValue{rule.priority, fmt::format("{}  {}", match_text(config, rule),
                                                       route_label(config, rule))});
  }
  return rules;
}

std::string priority_text(const RuleKey& key, const RuleValue& value) {
  return std::get<Category>(key) == Category::kInterface
             ? std::string()
             : fmt::format("priority {}", value.priority);
}

std::vector<DiffLine> diff_rules(Rules before, Rules after) {
  // First what is the same in both, so that of two rules of one match the changed one is shown.
  for (auto it = before.begin(); it != before.end();) {
    auto [from, to] = after.equal_range(it->first);
    while (from != to && from->second.priority != it->second.priority) ++from;
    if (from == to) {
      ++it;
      continue;
    }
    after.erase(from);
    it = before.erase(it);
  }
  std::vector<DiffLine> lines;
  for (const auto& [key, old] : before) {
    const auto changed = after.find(key);
    if (changed == after.end()) {
      lines.push_back({Action::kRemove, old.what, priority_text(key, old)});
      continue;
    }
    lines.push_back({Action::kChange, changed->second.what,
                     fmt::format("priority {} → {}", old.priority, changed->second.priority)});
    after.erase(changed);
  }
  for (const auto& [key, value] : after) {
    lines.push_back({Action::kAdd, value.what, priority_text(key, value)});
  }
  return lines;
}

// A tunnel: named values, and at the exit of a service what it lets through.
struct Tunnel {
  std::vector<std::pair<const char*, std::string>> facts;
  std::set<std::string> allow;

  friend bool operator==(const Tunnel&, const Tunnel&) = default;
};

using Tunnels = std::map<std::string, Tunnel>;

std::string short_list(const std::vector<std::string>& items) {
  constexpr std::size_t kMost = 4;
  std::string text = fmt::format(
      "{}",
      fmt::join(items.begin(),
                items.begin() + static_cast<std::ptrdiff_t>(std::min(kMost, items.size())), ", "));
  if (items.size() > kMost) text += fmt::format(" and {} more", items.size() - kMost);
  return text;
}

std::vector<std::string> without(const std::set<std::string>& all,
                                 const std::set<std::string>& these) {
  std::vector<std::string> rest;
  std::set_difference(all.begin(), all.end(), these.begin(), these.end(), std::back_inserter(rest));
  return rest;
}

std::string text_of(const Tunnel& tunnel) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : tunnel.facts) parts.push_back(fmt::format("{} {}", name, value));
  if (!tunnel.allow.empty()) parts.push_back("allows " + short_list(without(tunnel.allow, {})));
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Both have the same names in the same places.
std::string changed_text(const Tunnel& before, const Tunnel& after) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < after.facts.size(); ++i) {
    const auto& [name, value] = after.facts[i];
    if (before.facts[i].second == value) continue;
    parts.push_back(fmt::format("{} {} → {}", name, before.facts[i].second, value));
  }
  const auto gone = without(before.allow, after.allow);
  const auto come = without(after.allow, before.allow);
  if (!come.empty()) parts.push_back("also allows " + short_list(come));
  if (!gone.empty()) parts.push_back("no longer allows " + short_list(gone));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<DiffLine> diff_tunnels(const Tunnels& before, const Tunnels& after) {
  std::vector<DiffLine> lines;
  for (const auto& [name, tunnel] : before) {
    const auto now = after.find(name);
    if (now == after.end()) {
      lines.push_back({Action::kRemove, name, text_of(tunnel)});
    } else if (now->second != tunnel) {
      lines.push_back({Action::kChange, name, changed_text(tunnel, now->second)});
    }
  }
  for (const auto& [name, tunnel] : after) {
    if (before.find(name) == before.end()) lines.push_back({Action::kAdd, name, text_of(tunnel)});
  }
  return lines;
}

Tunnels tunnels_of(const PegasusConfig& config) {
  Tunnels tunnels;
  for (const PegasusConfig::Tunnel& from : config.tunnels) {
    const bool entry = from.role == PegasusConfig::Role::kEntry;
    Tunnel tunnel;
    tunnel.facts = {{entry ? "to" : "from", from.peer},
                    {"id", from.id},
                    {"transport", to_string(from.transport)},
                    {"transparent", from.transparent ? "yes" : "no"},
                    {"proxy protocol", to_string(from.proxy_protocol)},
                    {"limit", from.limit_mbps == 0 ? std::string("none")
                                                   : fmt::format("{} Mbit/s", from.limit_mbps)}};
    if (entry) {
      tunnel.facts.emplace_back("port", std::to_string(from.listen_port));
      tunnel.facts.emplace_back("on down", to_string(from.on_down));
    }
    for (const auto& match : from.allow) {
      tunnel.allow.insert(fmt::format("{} → {}", match.source ? match.source->to_string() : "any",
                                      match.destination ? match.destination->to_string() : "any"));
    }
    tunnels[fmt::format("{} ({})", from.service, entry ? "entry" : "exit")] = std::move(tunnel);
  }
  return tunnels;
}

Tunnels tunnels_of(const TempestConfig& config) {
  Tunnels tunnels;
  for (const TempestConfig::Tunnel& from : config.tunnels) {
    tunnels[from.peer].facts = {{"device", from.device},
                                {"public key", from.public_key.to_string()},
                                {"endpoint", from.endpoint ? from.endpoint->to_string() : "none"},
                                {"mtu", std::to_string(from.mtu)},
                                {"keepalive", std::to_string(from.keepalive)}};
  }
  return tunnels;
}

std::optional<Compiled> compiled(const Config& config, const std::string& node) {
  if (config.find_peer(node) == nullptr) return std::nullopt;
  return compile(config, node);
}

}  // namespace

NodeDiff diff_node(const Config& before, const Config& after, const std::string& node) {
  const auto old = compiled(before, node);
  const auto now = compiled(after, node);
  NodeDiff result;
  result.node = node;
  result.rules = diff_rules(old ? rules_of(before, old->plan) : Rules(),
                            now ? rules_of(after, now->plan) : Rules());
  result.pegasus = diff_tunnels(old ? tunnels_of(old->pegasus) : Tunnels(),
                                now ? tunnels_of(now->pegasus) : Tunnels());
  result.tempest = diff_tunnels(old ? tunnels_of(old->tempest) : Tunnels(),
                                now ? tunnels_of(now->tempest) : Tunnels());
  result.changes = diff(old ? old->desired : NodeState(), now ? now->desired : NodeState());
  return result;
}

}  // namespace arctic::cli
