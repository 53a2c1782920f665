// What Pegasus says of itself: gathered from all workers when somebody asks.
#include <algorithm>
#include <charconv>

#include "runtime/daemon/process_facts.h"
#include "runtime/pegasus/server.h"

namespace arctic {
namespace {

using ServiceKey = std::pair<std::string, PegasusConfig::Role>;

/// One worker's part, copied in its thread.
struct Part {
  Worker::AllCounts counts;
  std::map<ServiceKey, std::uint64_t> open;
  std::map<std::string, TunnelsState> tunnels;
  std::map<PublicKey, std::pair<std::uint64_t, std::uint64_t>> served;  ///< idle, busy
};

Part part_of(Worker& worker) {
  Part part{worker.all_counts(), {}, worker.tunnels().state(), {}};
  for (const auto& [id, each] : worker.carried()) {
    const ServiceKey key{each->found.tunnel->service, each->found.tunnel->role};
    ++part.open[key];
    part.counts[key].ended.to_tunnel += each->counts.to_tunnel;
    part.counts[key].ended.from_tunnel += each->counts.from_tunnel;
  }
  for (const ServedLink& link : worker.served) {
    auto& [idle, busy] = part.served[link.peer];
    ++(link.busy ? busy : idle);
  }
  return part;
}

void add(PegasusStatus::Service& service, const ServiceCounts& counts) {
  const bool entry = service.role == PegasusConfig::Role::kEntry;
  service.total += counts.total;
  service.refused += counts.refused;
  service.sent += entry ? counts.ended.to_tunnel : counts.ended.from_tunnel;
  service.received += entry ? counts.ended.from_tunnel : counts.ended.to_tunnel;
  for (std::size_t i = 0; i < counts.connects.size(); ++i) {
    service.connect_ms.counts[i] += counts.connects[i];
  }
  service.connect_ms.sum += counts.connect_us / 1000;
}

PegasusStatus::Service service_of(const PegasusConfig::Tunnel& tunnel,
                                  const std::vector<Part>& parts, Limits& limits) {
  PegasusStatus::Service service;
  service.service = tunnel.service;
  service.id = tunnel.id;
  service.role = tunnel.role;
  service.peer = tunnel.peer;
  service.transport = tunnel.transport;
  service.limit_mbps = tunnel.limit_mbps;
  const auto& bounds = ServiceCounts::kConnectBoundsMs;
  service.connect_ms.bounds.assign(bounds.begin(), bounds.end());
  service.connect_ms.counts.resize(bounds.size() + 1);
  const ServiceKey key{tunnel.service, tunnel.role};
  for (const Part& part : parts) {
    if (const auto at = part.counts.find(key); at != part.counts.end()) add(service, at->second);
    if (const auto at = part.open.find(key); at != part.open.end()) service.open += at->second;
  }
  if (tunnel.role == PegasusConfig::Role::kEntry) {
    const auto limit = limits.of(tunnel.service);
    service.waits = limit->to_peer->waits() + limit->from_peer->waits();
  }
  return service;
}

PegasusStatus::Peer peer_of(const PegasusConfig::Peer& config, const std::vector<Part>& parts) {
  PegasusStatus::Peer peer;
  peer.name = config.name;
  if (config.endpoint) peer.endpoint = config.endpoint->to_string();
  bool failing = false;
  for (const Part& part : parts) {
    if (const auto at = part.tunnels.find(config.name); at != part.tunnels.end()) {
      const TunnelsState& state = at->second;
      peer.links_idle += state.idle;
      peer.links_busy += state.busy;
      peer.handshakes += state.handshakes;
      peer.retransmits += state.retransmits;
      if (state.rtt_us > 0) peer.rtt_us = state.rtt_us;
      if (!state.last_error.empty()) peer.last_error = state.last_error;
      failing = failing || state.failing;
    }
    if (const auto at = part.served.find(config.public_key); at != part.served.end()) {
      peer.links_idle += at->second.first;
      peer.links_busy += at->second.second;
    }
  }
  peer.state = peer.links_idle + peer.links_busy > 0 ? PegasusStatus::PeerState::kUp
               : failing                             ? PegasusStatus::PeerState::kDown
                                                     : PegasusStatus::PeerState::kIdle;
  return peer;
}

ConnectionList::Connection connection_of(const Carried& carried, Watched::Time now) {
  const PegasusConfig::Tunnel& tunnel = *carried.found.tunnel;
  const bool entry = tunnel.role == PegasusConfig::Role::kEntry;
  return {carried.id,
          tunnel.service,
          tunnel.role,
          carried.client.to_string(),
          carried.destination.to_string(),
          tunnel.peer,
          entry ? carried.counts.to_tunnel : carried.counts.from_tunnel,
          entry ? carried.counts.from_tunnel : carried.counts.to_tunnel,
          static_cast<std::uint64_t>(
              std::chrono::duration_cast<std::chrono::seconds>(now - carried.since).count())};
}

}  // namespace

PegasusStatus Server::status() {
  std::vector<Part> parts(threads_.size());
  on_workers([&](Worker& worker, std::size_t i) { parts[i] = part_of(worker); });
  PegasusStatus status;
  ProcessStatus& process = status.process;
  process.generations.current = current_.generation;
  if (prepared_) process.generations.prepared = prepared_->generation;
  for (const Draining& each : draining_) process.generations.draining.push_back(each.generation);
  process.digest = current_.digest;
  process.uptime_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(loop_->now() - started_).count());
  measure_process(process);
  const PegasusConfig& config = current_.running->config();
  for (const auto& each : config.tunnels) {
    status.services.push_back(service_of(each, parts, shared_.limits));
  }
  for (const auto& each : config.peers) status.peers.push_back(peer_of(each, parts));
  const Admission::Counts counts = shared_.admission.counts();
  status.unconfirmed = {counts.open, counts.refused_source, counts.refused_total,
                        counts.refused_init_source, counts.refused_init_total};
  return status;
}

tl::expected<ConnectionList, ControlError> Server::connections(
    const ControlRequest::Connections& request) {
  std::uint64_t after = 0;
  if (!request.after.empty()) {
    const char* const end = request.after.data() + request.after.size();
    const auto parsed = std::from_chars(request.after.data(), end, after);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      return tl::unexpected<ControlError>({ControlCode::kBadRequest,
                                           "is no cursor that an answer gave", "/params/after",
                                           "begin again without `after`"});
    }
  }
  std::vector<std::vector<ConnectionList::Connection>> parts(threads_.size());
  on_workers([&](Worker& worker, std::size_t i) {
    const auto& all = worker.carried();
    for (auto at = all.upper_bound(after); at != all.end() && parts[i].size() <= request.limit;
         ++at) {
      if (!request.service.empty() && at->second->found.tunnel->service != request.service)
        continue;
      parts[i].push_back(connection_of(*at->second, worker.loop().now()));
    }
  });
  ConnectionList list;
  for (auto& part : parts) {
    list.connections.insert(list.connections.end(), std::make_move_iterator(part.begin()),
                            std::make_move_iterator(part.end()));
  }
  std::sort(list.connections.begin(), list.connections.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  if (list.connections.size() > request.limit) {
    list.connections.resize(request.limit);
    list.next = std::to_string(list.connections.back().id);
  }
  return list;
}

}  // namespace arctic
