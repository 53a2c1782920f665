#include <array>
#include <string>

#include "schema/check/checks.h"

namespace arctic {
namespace {

constexpr std::size_t kMostPeers = 4000;
constexpr std::size_t kMostServices = 4000;  // per source peer
constexpr std::size_t kMostRoutes = 100'000;

// TPROXY ports of a peer's services.
constexpr std::uint16_t kFirstServicePort = 20001;
constexpr std::uint16_t kLastServicePort = 24000;

struct PortUse {
  const char* name;
  int port;
  Span span;  // line 0: the default
};

void check_peer_ports(const Peer& peer, Diagnostics& diagnostics) {
  std::vector<PortUse> uses = {
      {"`pegasus_port`", peer.pegasus_port.value, peer.pegasus_port.span},
      {"`tempest_port`", peer.tempest_port.value, peer.tempest_port.span},
  };
  if (peer.metrics) {
    uses.push_back({"`metrics`", peer.metrics->value.port, peer.metrics->span});
    uses.push_back(
        {"`metrics` (Tempest's, the next port)", peer.metrics->value.port + 1, peer.metrics->span});
  }
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const PortUse& use = uses[i];
    if (use.port >= kFirstServicePort && use.port <= kLastServicePort) {
      diagnostics.error(20, use.span,
                        std::string(use.name) + " is " + std::to_string(use.port) +
                            ", but 20001 to 24000 belong to services",
                        "choose a port outside of that range");
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (uses[j].port != use.port) continue;
      const bool at_default = use.span.line == 0;
      const PortUse& later = at_default ? uses[j] : use;
      const PortUse& other = at_default ? use : uses[j];
      diagnostics.error(20, later.span,
                        std::string(later.name) + " is " + std::to_string(use.port) +
                            ", and so is " + other.name + " of this peer" +
                            (other.span.line == 0 ? " (the default)" : ""),
                        "give each a port of its own");
    }
  }
}

}  // namespace

void check_ports(const Config& config, Diagnostics& diagnostics) {
  for (const Peer& peer : config.peers) check_peer_ports(peer, diagnostics);
}

void check_limits(const Config& config, Diagnostics& diagnostics) {
  if (config.peers.size() > kMostPeers) {
    diagnostics.error(20, config.peers[kMostPeers].span,
                      "the file has " + std::to_string(config.peers.size()) +
                          " peers; the limit is " + std::to_string(kMostPeers));
  }
  std::unordered_map<std::string_view, std::size_t> services;
  std::size_t routes = 0;
  for (const Service& service : config.services) {
    const std::string& source = service.source_peer.value;
    if (!source.empty() && ++services[source] == kMostServices + 1) {
      diagnostics.error(20, service.span,
                        "peer " + quoted(source) + " is the source of more than " +
                            std::to_string(kMostServices) + " services, the limit");
    }
    const std::size_t before = routes;
    routes += service.routes.size();
    if (before <= kMostRoutes && routes > kMostRoutes) {
      diagnostics.error(
          20, service.routes[kMostRoutes - before].span,
          "the file has more than " + std::to_string(kMostRoutes) + " routes, the limit");
    }
  }
}

}  // namespace arctic
