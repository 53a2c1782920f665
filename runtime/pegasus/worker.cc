#include "runtime/pegasus/worker.h"

#include <algorithm>

#include "runtime/io/free_memory.h"
#include "runtime/pegasus/allow.h"

namespace arctic {

void ServiceCounts::connected(Watched::Time took) {
  const auto us = static_cast<std::uint64_t>(took.count() / 1000);
  std::size_t i = 0;
  while (i < kConnectBoundsMs.size() && us > kConnectBoundsMs[i] * std::uint64_t{1000}) ++i;
  ++connects[i];
  connect_us += us;
}

Result<std::unique_ptr<Worker>> Worker::make(Shared& shared, View view) {
  ARCTIC_TRY(auto loop, EventLoop::make());
  return std::unique_ptr<Worker>(new Worker(shared, std::move(view), std::move(loop)));
}

std::unique_ptr<TunnelLink> Worker::make_link(LinkEnd end, std::unique_ptr<Watched> socket,
                                              ConnectionKeys keys) {
  return std::make_unique<TunnelLink>(std::move(socket),
                                      RecordLayer(end, std::move(keys), loop_->now()), buffers_);
}

void Worker::set_view(View view) {
  view_ = std::move(view);
  tunnels_.follow();
}

const PegasusConfig::Peer* Worker::peer_config(const std::string& name) const {
  if (const auto* const now = view_.current->peer(name)) return now;
  return view_.prepared ? view_.prepared->peer(name) : nullptr;
}

ServiceCounts& Worker::counts(const PegasusConfig::Tunnel& tunnel) {
  return counts_[{tunnel.service, tunnel.role}];
}

// ---- The list ----

Worker::Listed::Listed(Worker& worker, Carried& carried)
    : worker_(worker),
      carried_(carried),
      listed_(!worker.cutting_ && worker.shared_.ceiling.enter(carried.found.tunnel->service)) {
  if (!listed_) return;
  carried.id = ++worker.shared_.last_id;
  carried.since = worker.loop().now();
  worker.carried_.emplace(carried.id, &carried);
  worker.most_carried_ = std::max(worker.most_carried_, worker.carried_.size());
  ++worker.counts(*carried.found.tunnel).total;
}

Worker::Listed::~Listed() {
  if (!listed_) return;
  worker_.carried_.erase(carried_.id);
  worker_.shared_.ceiling.leave(carried_.found.tunnel->service);
  RelayCounts& ended = worker_.counts(*carried_.found.tunnel).ended;
  ended.to_tunnel += carried_.counts.to_tunnel;
  ended.from_tunnel += carried_.counts.from_tunnel;
}

// ---- What ends ----

bool Worker::allows(const Running& config, const Carried& carried) const {
  const PegasusConfig::Tunnel& then = *carried.found.tunnel;
  if (config.peer(carried.peer) == nullptr) return false;
  if (then.role == PegasusConfig::Role::kEntry) return config.entry(then.service) != nullptr;
  const PegasusConfig::Tunnel* const tunnel = config.exit(then.id);
  if (tunnel == nullptr || config.peer(tunnel->peer) == nullptr) return false;
  if (config.peer(tunnel->peer)->public_key != carried.peer) return false;
  const OpenFrame open{carried.client.address, carried.client.port, carried.destination.address,
                       carried.destination.port, then.id};
  return permission(*tunnel, open, own_addresses) == Permission::kAllowed;
}

std::size_t Worker::cut_gone(const std::vector<RunningHandle>& kept) {
  const auto any = [&](const auto& allowing) {
    return std::any_of(kept.begin(), kept.end(), allowing);
  };
  std::vector<Carried*> gone;
  for (const auto& entry : carried_) {
    Carried* const each = entry.second;
    if (!any([&](const auto& config) { return allows(*config, *each); })) gone.push_back(each);
  }
  for (Carried* const each : gone) each->cut();
  for (ServedLink& link : served) {
    const bool known = any([&](const auto& config) { return config->peer(link.peer) != nullptr; });
    if (!link.busy && !known) link.socket->cancel();
  }
  return gone.size();
}

void Worker::look() {
  std::vector<Carried*> all;
  for (const auto& [id, each] : carried_) all.push_back(each);
  for (Carried* const each : all) {
    if (each->running != nullptr) each->running->look();
  }
  constexpr std::size_t kMany = 1000;
  if (most_carried_ < kMany || carried_.size() > most_carried_ / 2) return;
  most_carried_ = carried_.size();
  give_free_memory_back();
}

void Worker::drain() {
  draining_ = true;
  tunnels_.stop();
  for (ServedLink& link : served) {
    if (!link.busy) link.socket->cancel();
  }
}

std::size_t Worker::cut_all() {
  cutting_ = true;
  drain();
  std::vector<Carried*> all;
  for (const auto& [id, each] : carried_) all.push_back(each);
  for (Carried* const each : all) each->cut();
  for (ServedLink& link : served) link.socket->cancel();
  return all.size();
}

}  // namespace arctic
