// Configurations that follow each other: prepared beside the current one, made current, and what
// only older ones had taken away.
#include <algorithm>
#include <atomic>

#include "runtime/daemon/node_key.h"
#include "runtime/pegasus/server.h"

namespace arctic {
namespace {

tl::unexpected<ControlError> refuse(ControlCode code, std::string reason, std::string hint = {}) {
  return tl::unexpected<ControlError>({code, std::move(reason), {}, std::move(hint)});
}

tl::unexpected<ControlError> refuse_stopping() {
  return refuse(ControlCode::kBusy, "pegasus is stopping",
                "start it again: it loads what is there");
}

ListenPorts only_in(const ListenPorts& these, const ListenPorts& not_those) {
  ListenPorts out;
  std::set_difference(these.begin(), these.end(), not_those.begin(), not_those.end(),
                      std::inserter(out, out.end()));
  return out;
}

std::vector<PublicKey> keys_of(const PegasusConfig& config) {
  std::vector<PublicKey> keys;
  for (const auto& peer : config.peers) keys.push_back(peer.public_key);
  return keys;
}

std::vector<Address> addresses_of(const PegasusConfig& config) {
  std::vector<Address> addresses;
  for (const auto& peer : config.peers) {
    if (!peer.endpoint) continue;
    if (const auto address = parse_address(peer.endpoint->host)) addresses.push_back(*address);
  }
  return addresses;
}

}  // namespace

tl::expected<Server::Loaded, ControlError> Server::read(const std::string& path,
                                                        const std::string& digest,
                                                        std::optional<std::string> generation) {
  auto file = read_config_file(path);
  if (!file) return tl::unexpected(control_error(ControlCode::kBadConfig, file.error()));
  if (!digest.empty() && file->digest != digest) {
    return refuse(ControlCode::kBadDigest,
                  path + " has the digest " + file->digest + ", not " + digest,
                  "it was changed or not written whole: write it again and prepare that");
  }
  if (auto fits = check_identity(claim_of(file->config), shared_.sessions.own().point); !fits) {
    return tl::unexpected(control_error(ControlCode::kBadIdentity, fits.error()));
  }
  // The configuration that runs already stays the same object: nothing of it begins anew.
  if (file->digest == current_.digest) {
    return Loaded{current_.running, current_.digest, std::move(generation)};
  }
  return Loaded{std::make_shared<const Running>(std::move(file->config)), file->digest,
                std::move(generation)};
}

// ---- Prepared ----

Server::Done Server::prepare(const ControlRequest::Prepare& request) {
  if (stopping_) return refuse_stopping();
  if (current_.generation == request.generation && current_.digest == request.digest) {
    return ControlDone{};
  }
  if (prepared_ && prepared_->generation == request.generation &&
      prepared_->digest == request.digest) {
    return ControlDone{};
  }
  auto next = read(request.path, request.digest, request.generation);
  if (!next) return tl::unexpected(std::move(next).error());
  return begin(std::move(*next));
}

/// Opens and serves what is new beside the old. Nothing has changed if it fails.
Server::Done Server::begin(Loaded next) {
  const PegasusConfig& config = next.running->config();
  auto ports = bind_ports(only_in(ports_of(*next.running), open_ports()), threads_.size());
  if (!ports) return tl::unexpected(control_error(ControlCode::kUnavailable, ports.error()));
  // The one that the other prepared configuration has opened will do as well.
  const bool has_metrics = prepared_ && prepared_->running->config().metrics == config.metrics;
  std::unique_ptr<TextServer> metrics;
  if (!has_metrics && config.metrics != current_.running->config().metrics) {
    auto made = open_metrics(config);
    if (!made) return tl::unexpected(control_error(ControlCode::kUnavailable, made.error()));
    metrics = std::move(*made);
  }
  if (auto open = listen(std::move(*ports)); !open) {
    return tl::unexpected(control_error(ControlCode::kUnavailable, open.error()));
  }
  const std::optional<Loaded> other = std::exchange(prepared_, std::move(next));
  if (!has_metrics) prepared_metrics_ = std::move(metrics);
  // The limits of services that are new hold from their first connection on.
  shared_.limits.set(*prepared_->running, loop_->now(), current_.running.get());
  set_views();
  if (other) {
    close_unused_ports();
    cut_gone();
  }
  return ControlDone{};
}

Server::Done Server::abort(const ControlRequest::Abort& request) {
  if (prepared_ && prepared_->generation == request.generation) {
    forget_prepared();
    return ControlDone{};
  }
  if (current_.generation == request.generation) {
    return refuse(ControlCode::kBadState, "generation " + request.generation + " is current",
                  "prepare and commit the one before it");
  }
  return ControlDone{};
}

void Server::forget_prepared() {
  prepared_.reset();
  prepared_metrics_.reset();
  set_views();
  close_unused_ports();
  cut_gone();
}

// ---- Current ----

Server::Done Server::commit(const ControlRequest::Commit& request) {
  if (stopping_) return refuse_stopping();
  if (prepared_ && prepared_->generation == request.generation) return make_current();
  if (current_.generation == request.generation) return ControlDone{};
  return refuse(ControlCode::kBadState, "generation " + request.generation + " is not prepared",
                "prepare it first");
}

Server::Done Server::make_current() {
  Loaded old = std::exchange(current_, *std::exchange(prepared_, std::nullopt));
  if (old.running != current_.running) {
    draining_.push_back({old.generation, old.running, std::nullopt});
    if (current_.running->config().metrics != old.running->config().metrics) {
      metrics_ = std::move(prepared_metrics_);
    }
  }
  follow_current();
  set_views();
  shared_.log.say(
      LogLevel::kInfo, "configuration is current",
      {{"generation", current_.generation.value_or("none")}, {"digest", current_.digest}});
  return ControlDone{};
}

void Server::follow_current() {
  const PegasusConfig& config = current_.running->config();
  shared_.limits.set(*current_.running, loop_->now());
  shared_.admission.set_peers(addresses_of(config));
  shared_.sessions.keep_only(keys_of(config));
}

void Server::set_views() {
  const View view{current_.running, prepared_ ? prepared_->running : nullptr};
  on_workers([&](Worker& worker, std::size_t) { worker.set_view(view); });
}

// ---- Retired ----

Server::Done Server::retire(const ControlRequest::Retire& request) {
  if (current_.generation != request.generation) {
    return refuse(ControlCode::kBadState, "generation " + request.generation + " is not current",
                  "retire names the generation that stays; commit it first");
  }
  retire_old(std::chrono::seconds(request.drain_s));
  return ControlDone{};
}

void Server::retire_old(std::chrono::seconds drain) {
  const Watched::Time until = loop_->now() + drain;
  for (Draining& each : draining_) {
    if (!each.until || *each.until > until) each.until = until;
  }
  close_unused_ports();
  if (drain.count() == 0) return end_retired();
  loop_->at(until, [this] { end_retired(); });
}

void Server::end_retired() {
  const Watched::Time now = loop_->now();
  const std::size_t before = draining_.size();
  std::erase_if(draining_,
                [now](const Draining& each) { return each.until && *each.until <= now; });
  if (draining_.size() == before) return;
  cut_gone();
  if (draining_.empty() && !prepared_) shared_.limits.keep_only(*current_.running);
}

void Server::close_unused_ports() {
  ListenPorts kept = ports_of(*current_.running);
  if (prepared_) kept.merge(ports_of(*prepared_->running));
  for (const Draining& each : draining_) {
    if (!each.until) kept.merge(ports_of(*each.running));
  }
  close_ports(only_in(open_ports(), kept));
}

void Server::cut_gone() {
  std::vector<RunningHandle> kept{current_.running};
  if (prepared_) kept.push_back(prepared_->running);
  for (const Draining& each : draining_) kept.push_back(each.running);
  std::atomic<std::size_t> cut{0};
  on_workers([&](Worker& worker, std::size_t) { cut += worker.cut_gone(kept); });
  if (cut == 0) return;
  shared_.log.say(
      LogLevel::kWarning, "connections cut",
      {{"connections", cut.load()}, {"reason", "the configuration allows them no more"}});
}

Server::Done Server::load(const std::string& path) {
  if (stopping_) return refuse_stopping();
  auto next = read(path, {}, std::nullopt);
  if (!next) return tl::unexpected(std::move(next).error());
  if (next->running == current_.running && !prepared_) {
    shared_.log.say(LogLevel::kInfo, "configuration has not changed",
                    {{"digest", current_.digest}});
    return ControlDone{};
  }
  if (Done begun = begin(std::move(*next)); !begun) return begun;
  if (Done done = make_current(); !done) return done;
  retire_old(std::chrono::seconds(kDefaultDrainSeconds));
  return ControlDone{};
}

Result<std::unique_ptr<TextServer>> Server::open_metrics(const PegasusConfig& config) {
  if (!config.metrics) return std::unique_ptr<TextServer>();
  const SocketAddress where{*parse_address(config.metrics->host), config.metrics->port};
  return TextServer::make(*loop_, {where, [this] { return metrics_of(status()); }});
}

}  // namespace arctic
