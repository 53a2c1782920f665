#include "runtime/tempest/node_tunnels.h"

#include <algorithm>
#include <utility>

#include "runtime/io/resolve.h"

namespace arctic {
namespace {

PeerTable table_of(const PeerHandle& peer) {
  PeerTable table;
  for (const Family family : kFamilies) table.allowed.insert({family, 0, 0}, 0);
  table.peers.push_back(peer);
  return table;
}

std::string text_of(const PeerEndpoint& endpoint) {
  return Endpoint{endpoint.remote.address.to_string(), endpoint.remote.port}.to_string();
}

}  // namespace

NodeTunnels::~NodeTunnels() {
  keep_places();
  for (auto& [device, member] : members_) remove(member);
}

void NodeTunnels::follow(const std::vector<Tunnel>& wanted) {
  const auto same = [](const Tunnel& a, const Tunnel& b) {
    return a.device == b.device && a.public_key == b.public_key;
  };
  for (auto at = members_.begin(); at != members_.end();) {
    const bool stays = std::any_of(wanted.begin(), wanted.end(), [&](const Tunnel& each) {
      return same(each, at->second.tunnel);
    });
    if (stays) {
      ++at;
    } else {
      remove(at->second);
      at = members_.erase(at);
    }
  }
  for (const Tunnel& each : wanted) {
    const auto found = members_.find(each.device);
    if (found == members_.end()) {
      add(each);
    } else {
      change(found->second, each);
    }
  }
}

void NodeTunnels::add(const Tunnel& tunnel) {
  Member& member = members_[tunnel.device];
  member.tunnel = tunnel;
  member.number = next_number_++;
  member.peer = engine_.add_peer(tunnel.public_key, member.number);
  {
    const auto lock = member.peer->lock();
    member.peer->set_keepalive(std::chrono::seconds(tunnel.keepalive), engine_.now());
  }
  if (const Status done = attach(member); !done) note(member, done.error());
  auto socket = UapiSocket::make(loop_, root_, tunnel.device,
                                 {[this, device = tunnel.device] { return uapi_of(device); }, {}});
  if (socket) {
    member.socket = std::move(*socket);
  } else {
    log_.say(LogLevel::kWarning, "no socket for wg",
             {{"device", tunnel.device}, {"reason", socket.error().message()}});
  }
  if (const auto place = keeper_.find(tunnel.public_key, tunnel.endpoint)) {
    put(member, *parse_address(place->host), place->port);
    engine_.initiate(member.peer);
  } else if (tunnel.endpoint) {
    start(find_peer(tunnel.device, /*begin=*/true));
  }
}

void NodeTunnels::remove(Member& member) {
  member.socket.reset();
  if (member.attached) engine_.remove_device(member.number);
  member.attached = false;
  engine_.remove_peer(member.tunnel.public_key);
}

void NodeTunnels::change(Member& member, const Tunnel& tunnel) {
  if (member.tunnel == tunnel) return;
  const Tunnel before = std::exchange(member.tunnel, tunnel);
  if (before.keepalive != tunnel.keepalive) {
    {
      const auto lock = member.peer->lock();
      member.peer->set_keepalive(std::chrono::seconds(tunnel.keepalive), engine_.now());
    }
    engine_.tend(member.peer);
  }
  if (before.mtu != tunnel.mtu && member.attached) engine_.set_mtu(member.number, tunnel.mtu);
  if (tunnel.endpoint && before.endpoint != tunnel.endpoint) {
    start(find_peer(tunnel.device, /*begin=*/true));
  }
}

// ---- Devices ----

Status NodeTunnels::attach(Member& member) {
  std::vector<TunQueue> queues;
  for (std::size_t i = 0; i < engine_.workers(); ++i) {
    ARCTIC_TRY(TunQueue queue, open_tun(member.tunnel.device, TunDevice::kAttached));
    queues.push_back(std::move(queue));
  }
  ARCTIC_CHECK(engine_.add_device(member.number, member.tunnel.device, member.tunnel.mtu,
                                  std::move(queues)));
  engine_.set_table(member.number, table_of(member.peer));
  member.attached = true;
  member.last_error.clear();
  return {};
}

void NodeTunnels::note(Member& member, const Error& error) {
  if (member.last_error == error.message()) return;
  member.last_error = error.message();
  log_.say(LogLevel::kWarning, "device is not there yet",
           {{"peer", member.tunnel.peer},
            {"device", member.tunnel.device},
            {"reason", error.message()},
            {"help", error.hint}});
}

void NodeTunnels::attach_missing() {
  for (auto& [device, member] : members_) {
    if (member.attached) continue;
    if (const Status done = attach(member); !done) {
      note(member, done.error());
    } else {
      log_.say(LogLevel::kInfo, "device attached",
               {{"peer", member.tunnel.peer}, {"device", device}});
    }
  }
}

void NodeTunnels::lose(std::uint32_t number) {
  for (auto& [device, member] : members_) {
    if (member.number != number || !member.attached) continue;
    member.attached = false;
    log_.say(LogLevel::kWarning, "device was deleted",
             {{"peer", member.tunnel.peer}, {"device", device}});
  }
  attach_missing();  // it may have been made anew before we knew
}

// ---- Peers ----

void NodeTunnels::put(const Member& member, const Address& address, std::uint16_t port) {
  const auto lock = member.peer->lock();
  member.peer->set_endpoint({{address, port}, 0, {}});
}

Task<void> NodeTunnels::find_peer(std::string device, bool begin) {
  const Tunnel wanted = members_.at(device).tunnel;
  const auto address = co_await resolve(loop_, wanted.endpoint->host);
  const auto found = members_.find(device);
  if (found == members_.end() || found->second.tunnel != wanted) co_return;
  Member& member = found->second;
  if (!address) {
    if (member.last_error != address.error().message()) {
      log_.say(LogLevel::kWarning, "peer cannot be found",
               {{"peer", wanted.peer}, {"reason", address.error().message()}});
    }
    member.last_error = address.error().message();
    co_return;
  }
  put(member, *address, wanted.endpoint->port);
  if (begin) engine_.initiate(member.peer);
}

/// A place where a peer is works until it is asked there twice in vain.
bool NodeTunnels::answers(const Member& member) const {
  const auto lock = member.peer->lock();
  return member.peer->endpoint() && member.peer->facts(engine_.now()).unanswered < 2;
}

void NodeTunnels::look() {
  for (auto& [device, member] : members_) {
    if (member.tunnel.endpoint && !answers(member)) start(find_peer(device, /*begin=*/false));
  }
  keep_places();
}

void NodeTunnels::keep_places() {
  PeerPlaces places;
  for (const auto& [device, member] : members_) {
    // Of who has no other place, the one that no longer works is better than none.
    if (member.tunnel.endpoint && !answers(member)) continue;
    const auto lock = member.peer->lock();
    const auto& endpoint = member.peer->endpoint();
    // A place on this link alone has a number that is another one after the next start.
    if (!endpoint || endpoint->scope != 0) continue;
    places[member.tunnel.public_key] = {
        {endpoint->remote.address.to_string(), endpoint->remote.port}, member.tunnel.endpoint};
  }
  keeper_.keep(std::move(places));
}

// ---- For people ----

std::vector<TempestStatus::Peer> NodeTunnels::status() const {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  std::vector<TempestStatus::Peer> out;
  for (const auto& [device, member] : members_) {
    TempestStatus::Peer peer;
    peer.name = member.tunnel.peer;
    peer.device = device;
    peer.attached = member.attached;
    peer.last_error = member.last_error;
    const auto lock = member.peer->lock();
    const TunnelPeer::Facts facts = member.peer->facts(engine_.now());
    if (member.peer->endpoint()) peer.endpoint = text_of(*member.peer->endpoint());
    peer.has_session = facts.has_session;
    if (facts.last_handshake) {
      peer.handshake_age_s = static_cast<std::uint64_t>(
          duration_cast<seconds>(engine_.now() - *facts.last_handshake).count());
    }
    peer.sent_bytes = facts.sent_bytes;
    peer.received_bytes = facts.received_bytes;
    out.push_back(std::move(peer));
  }
  return out;
}

std::string NodeTunnels::uapi_of(const std::string& device) const {
  UapiInterface out{nullptr, engine_.port(), 0, {}};
  const auto found = members_.find(device);
  if (found == members_.end()) return encode_uapi(out);
  const Member& member = found->second;
  UapiPeer peer;
  peer.key = member.tunnel.public_key;
  for (const Family family : kFamilies) peer.allowed.push_back({family, 0, 0});
  {
    const auto lock = member.peer->lock();
    peer.endpoint = member.peer->endpoint();
    peer.facts = member.peer->facts(engine_.now());
  }
  out.peers.push_back(std::move(peer));
  return encode_uapi(out);
}

}  // namespace arctic
