#include <algorithm>

#include "compiler/compile.h"
#include "compiler/node_view.h"

namespace arctic {
namespace {

constexpr const char* kNodeKeyFile = "/etc/arctic/node.key";
constexpr std::uint16_t kKeepaliveSeconds = 25;

std::optional<PublicKey> key_of(const Peer& peer) {
  if (!peer.public_key) return std::nullopt;
  return peer.public_key->value;
}

/// What both runtimes need to know about the node itself.
template <class RuntimeConfig>
RuntimeConfig about_node(const NodeView& view, std::uint16_t listen_port) {
  RuntimeConfig runtime;
  runtime.node = view.self->name.value;
  runtime.public_key = key_of(*view.self);
  runtime.private_key_file = kNodeKeyFile;
  runtime.listen_port = listen_port;
  runtime.own_mark = view.marks.own();
  if (view.self->metrics) runtime.metrics = view.self->metrics->value;
  return runtime;
}

PegasusConfig::Tunnel tunnel_of(const Service& service, PegasusConfig::Role role) {
  PegasusConfig::Tunnel tunnel;
  tunnel.service = service.name.value;
  tunnel.id = service_id(service);
  tunnel.role = role;
  const bool entry = role == PegasusConfig::Role::kEntry;
  tunnel.peer = entry ? service.target_peer.value : service.source_peer.value;
  if (service.transport) tunnel.transport = service.transport->value;
  tunnel.transparent = service.fully_transparent.value;
  tunnel.proxy_protocol = service.proxy_protocol.value;
  tunnel.limit_mbps = service.limit_mbps.value;
  return tunnel;
}

std::vector<PegasusConfig::Allow> allowed(const Service& service) {
  if (service.has_interface()) return {PegasusConfig::Allow{}};
  std::vector<PegasusConfig::Allow> allow;
  for (const Route& route : service.routes) {
    PegasusConfig::Allow& pair = allow.emplace_back();
    if (route.source) pair.source = route.source->value;
    if (route.destination) pair.destination = route.destination->value;
  }
  return allow;
}

}  // namespace

PegasusConfig lower_pegasus(const Config& config, const Numbers& numbers, const std::string& node) {
  const NodeView view = view_of(config, numbers, node);
  auto pegasus = about_node<PegasusConfig>(view, view.self->pegasus_port.value);
  for (const Entry& entry : view.entries) {
    PegasusConfig::Tunnel tunnel = tunnel_of(*entry.service, PegasusConfig::Role::kEntry);
    tunnel.listen_port = entry.port();
    tunnel.on_down = entry.service->on_down.value;
    pegasus.tunnels.push_back(std::move(tunnel));
  }
  for (const Neighbour& neighbour : view.neighbours) {
    const Peer& peer = *neighbour.peer;
    pegasus.peers.push_back({neighbour.name(), key_of(peer).value_or(PublicKey{}),
                             endpoint_of(peer, peer.pegasus_port.value)});
    for (const Service* service : neighbour.arriving) {
      PegasusConfig::Tunnel tunnel = tunnel_of(*service, PegasusConfig::Role::kExit);
      tunnel.allow = allowed(*service);
      pegasus.tunnels.push_back(std::move(tunnel));
    }
  }
  std::sort(pegasus.tunnels.begin(), pegasus.tunnels.end(),
            [](const auto& a, const auto& b) { return a.service < b.service; });
  return pegasus;
}

TempestConfig lower_tempest(const Config& config, const std::string& node) {
  const NodeView view = view_of(config, allocate(config), node);
  auto tempest = about_node<TempestConfig>(view, view.self->tempest_port.value);
  if (tempest.metrics) ++tempest.metrics->port;
  for (const Neighbour& neighbour : view.neighbours) {
    const Peer& peer = *neighbour.peer;
    TempestConfig::Tunnel tunnel;
    tunnel.peer = neighbour.name();
    tunnel.device = neighbour.device;
    tunnel.public_key = key_of(peer).value_or(PublicKey{});
    tunnel.endpoint = endpoint_of(peer, peer.tempest_port.value);
    tunnel.mtu = kTunnelMtu;
    // A node without address is behind something that forgets it when it is silent.
    if (!view.self->address && tunnel.endpoint) tunnel.keepalive = kKeepaliveSeconds;
    tempest.tunnels.push_back(std::move(tunnel));
  }
  return tempest;
}

}  // namespace arctic
