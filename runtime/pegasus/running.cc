#include "runtime/pegasus/running.h"

#include <utility>

namespace arctic {
namespace {

template <class Map, class Key>
auto found(const Map& map, const Key& key) {
  const auto at = map.find(key);
  return at == map.end() ? nullptr : at->second;
}

}  // namespace

Running::Running(PegasusConfig config) : config_(std::move(config)) {
  for (const auto& peer : config_.peers) {
    peers_.emplace(peer.name, &peer);
    peers_by_key_.emplace(peer.public_key, &peer);
  }
  for (const auto& tunnel : config_.tunnels) {
    if (tunnel.role == PegasusConfig::Role::kExit) {
      exits_.emplace(tunnel.id, &tunnel);
    } else {
      entries_.emplace(tunnel.listen_port, &tunnel);
      entries_by_service_.emplace(tunnel.service, &tunnel);
    }
  }
}

const PegasusConfig::Peer* Running::peer(std::string_view name) const {
  return found(peers_, name);
}
const PegasusConfig::Peer* Running::peer(const PublicKey& key) const {
  return found(peers_by_key_, key);
}
const PegasusConfig::Tunnel* Running::entry(std::uint16_t listen_port) const {
  return found(entries_, listen_port);
}
const PegasusConfig::Tunnel* Running::entry(std::string_view service) const {
  return found(entries_by_service_, service);
}
const PegasusConfig::Tunnel* Running::exit(std::string_view id) const { return found(exits_, id); }

FoundTunnel View::entry(std::uint16_t listen_port) const {
  const auto* const now = current->entry(listen_port);
  const auto* const next = prepared ? prepared->entry(listen_port) : nullptr;
  if (now != nullptr && next != nullptr && now->service != next->service) return {};
  if (now != nullptr) return {current, now};
  return {prepared, next};
}

FoundTunnel View::exit(std::string_view id) const {
  if (const auto* const now = current->exit(id)) return {current, now};
  return {prepared, prepared ? prepared->exit(id) : nullptr};
}

RunningHandle View::knowing(const PublicKey& key) const {
  if (current->peer(key) != nullptr) return current;
  return prepared && prepared->peer(key) != nullptr ? prepared : nullptr;
}

}  // namespace arctic
