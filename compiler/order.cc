#include "compiler/order.h"

#include <algorithm>

namespace arctic {
namespace {

int length_of(const std::optional<Prefix>& prefix) { return prefix ? prefix->length : -1; }

Rule route_rule(const Route& route, std::uint32_t service, std::size_t position) {
  Rule rule;
  rule.category = !route.source        ? Category::kDestination
                  : !route.destination ? Category::kSource
                                       : Category::kPair;
  if (route.source) rule.source = route.source->value;
  if (route.destination) rule.destination = route.destination->value;
  rule.priority = route.priority->value;
  rule.service = service;
  rule.route = static_cast<std::int32_t>(position);
  return rule;
}

/// False for what the reader or the checks have complained about already.
bool usable(const Route& route) {
  if (route.malformed || !route.priority) return false;
  if (!route.source && !route.destination) return false;
  return !route.source || !route.destination ||
         route.source->value.family == route.destination->value.family;
}

}  // namespace

const char* to_string(Category category) {
  switch (category) {
    case Category::kInterface:
      return "interface";
    case Category::kPair:
      return "pair";
    case Category::kSource:
      return "source";
    case Category::kDestination:
      break;
  }
  return "destination";
}

bool comes_before(const Config& config, const Rule& a, const Rule& b) {
  if (a.category != b.category) return a.category < b.category;
  if (length_of(a.source) != length_of(b.source)) return length_of(a.source) > length_of(b.source);
  if (length_of(a.destination) != length_of(b.destination)) {
    return length_of(a.destination) > length_of(b.destination);
  }
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.service != b.service) {
    const int names =
        config.services[a.service].name.value.compare(config.services[b.service].name.value);
    if (names != 0) return names < 0;
  }
  return a.route < b.route;
}

RulePlan order_services(const Config& config, const std::string& node,
                        const std::vector<std::uint32_t>& services) {
  RulePlan plan;
  plan.node = node;
  std::size_t most = 0;
  for (const std::uint32_t index : services) most += config.services[index].routes.size() + 1;
  plan.rules.reserve(most);
  for (const std::uint32_t index : services) {
    const Service& service = config.services[index];
    if (service.has_interface()) {
      Rule rule;
      rule.service = index;
      plan.rules.push_back(rule);
    }
    for (std::size_t i = 0; i < service.routes.size(); ++i) {
      if (usable(service.routes[i])) plan.rules.push_back(route_rule(service.routes[i], index, i));
    }
  }
  std::stable_sort(plan.rules.begin(), plan.rules.end(),
                   [&](const Rule& a, const Rule& b) { return comes_before(config, a, b); });
  return plan;
}

RulePlan order(const Config& config, const std::string& node) {
  std::vector<std::uint32_t> services;
  for (std::size_t i = 0; i < config.services.size(); ++i) {
    if (config.services[i].source_peer.value == node) {
      services.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return order_services(config, node, services);
}

std::string route_label(const Config& config, const Rule& rule) {
  const std::string& name = config.services[rule.service].name.value;
  return rule.route < 0 ? name : name + "/" + std::to_string(rule.route);
}

}  // namespace arctic
