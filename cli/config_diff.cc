#include "cli/config_diff.h"

#include <fmt/format.h>

#include <map>
#include <optional>
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

using Facts = std::vector<std::pair<const char*, std::string>>;

std::string text_of(const Facts& facts) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : facts) parts.push_back(fmt::format("{} {}", name, value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Both have the same names in the same places.
std::string changed_text(const Facts& before, const Facts& after) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (before[i].second == after[i].second) continue;
    parts.push_back(fmt::format("{} {} → {}", after[i].first, before[i].second, after[i].second));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

using Things = std::map<std::string, Facts>;

std::vector<DiffLine> diff_things(const Things& before, const Things& after) {
  std::vector<DiffLine> lines;
  for (const auto& [name, facts] : before) {
    const auto now = after.find(name);
    if (now == after.end()) {
      lines.push_back({Action::kRemove, name, text_of(facts)});
    } else if (now->second != facts) {
      lines.push_back({Action::kChange, name, changed_text(facts, now->second)});
    }
  }
  for (const auto& [name, facts] : after) {
    if (before.find(name) == before.end()) lines.push_back({Action::kAdd, name, text_of(facts)});
  }
  return lines;
}

std::string allow_text(const std::vector<PegasusConfig::Allow>& allow) {
  std::vector<std::string> parts;
  for (const auto& one : allow) {
    parts.push_back(fmt::format("{} → {}", one.source ? one.source->to_string() : "any",
                                one.destination ? one.destination->to_string() : "any"));
  }
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

Things tunnels_of(const PegasusConfig& config) {
  Things things;
  for (const PegasusConfig::Tunnel& tunnel : config.tunnels) {
    const bool entry = tunnel.role == PegasusConfig::Role::kEntry;
    Facts facts = {{entry ? "to" : "from", tunnel.peer},
                   {"id", tunnel.id},
                   {"transport", to_string(tunnel.transport)},
                   {"transparent", tunnel.transparent ? "yes" : "no"},
                   {"proxy protocol", to_string(tunnel.proxy_protocol)},
                   {"limit", tunnel.limit_mbps == 0 ? std::string("none")
                                                    : fmt::format("{} Mbit/s", tunnel.limit_mbps)}};
    if (entry) {
      facts.emplace_back("port", std::to_string(tunnel.listen_port));
      facts.emplace_back("on down", to_string(tunnel.on_down));
    } else {
      facts.emplace_back("allow", allow_text(tunnel.allow));
    }
    things[fmt::format("{} ({})", tunnel.service, entry ? "entry" : "exit")] = std::move(facts);
  }
  return things;
}

Things tunnels_of(const TempestConfig& config) {
  Things things;
  for (const TempestConfig::Tunnel& tunnel : config.tunnels) {
    things[tunnel.peer] = {{"device", tunnel.device},
                           {"public key", tunnel.public_key.to_string()},
                           {"endpoint", tunnel.endpoint ? tunnel.endpoint->to_string() : "none"},
                           {"mtu", std::to_string(tunnel.mtu)},
                           {"keepalive", std::to_string(tunnel.keepalive)}};
  }
  return things;
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
  result.pegasus = diff_things(old ? tunnels_of(old->pegasus) : Things(),
                               now ? tunnels_of(now->pegasus) : Things());
  result.tempest = diff_things(old ? tunnels_of(old->tempest) : Things(),
                               now ? tunnels_of(now->tempest) : Things());
  result.changes = diff(old ? old->desired : NodeState(), now ? now->desired : NodeState());
  return result;
}

}  // namespace arctic::cli
