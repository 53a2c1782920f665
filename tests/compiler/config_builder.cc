#include "tests/compiler/config_builder.h"

#include <stdexcept>

namespace arctic::test {

ConfigBuilder::ConfigBuilder() {
  for (const char* name : {"syd", "lon", "par"}) peer(name);
}

Peer& ConfigBuilder::peer(const std::string& name) {
  Peer peer;
  peer.name.value = name;
  config.peers.push_back(peer);
  return config.peers.back();
}

Service& ConfigBuilder::service(const std::string& name, const std::vector<RouteText>& routes) {
  Service service;
  service.name.value = name;
  service.source_peer.value = "syd";
  service.target_peer.value = "lon";
  service.transport = Located<Transport>{Transport::kTcp, {}};
  for (const RouteText& text : routes) service.routes.push_back(route(text));
  config.services.push_back(service);
  return config.services.back();
}

Service& ConfigBuilder::interface_service(const std::string& name,
                                          const std::vector<RouteText>& routes) {
  Service& made = service(name, routes);
  made.interface = Interface{};
  made.interface->enabled.value = true;
  return made;
}

Prefix prefix(const char* text) {
  const auto parsed = parse_prefix(text);
  if (!parsed) throw std::invalid_argument(std::string("no prefix: ") + text);
  return *parsed;
}

Address address(const char* text) {
  const auto parsed = parse_address(text);
  if (!parsed) throw std::invalid_argument(std::string("no address: ") + text);
  return *parsed;
}

Route route(const RouteText& text) {
  Route out;
  out.priority = Located<std::uint32_t>{text.priority, {}};
  if (*text.source != '\0') out.source = Located<Prefix>{prefix(text.source), {}};
  if (*text.destination != '\0') out.destination = Located<Prefix>{prefix(text.destination), {}};
  return out;
}

std::vector<std::string> labels(const Config& config, const RulePlan& plan) {
  std::vector<std::string> out;
  for (const Rule& rule : plan.rules) out.push_back(route_label(config, rule));
  return out;
}

}  // namespace arctic::test
