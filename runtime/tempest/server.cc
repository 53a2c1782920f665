#include "runtime/tempest/server.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/multi_buffer.h"
#include "runtime/daemon/control_methods.h"
#include "runtime/daemon/node_key.h"
#include "runtime/daemon/process_facts.h"

namespace arctic {
namespace {

constexpr std::chrono::seconds kLookEvery{15};

tl::unexpected<ControlError> refuse(ControlCode code, std::string reason, std::string hint = {}) {
  return tl::unexpected<ControlError>({code, std::move(reason), {}, std::move(hint)});
}

tl::unexpected<ControlError> refuse_stopping() {
  return refuse(ControlCode::kBusy, "tempest is stopping",
                "start it again: it loads what is there");
}

}  // namespace

// ---- Made and ended ----

Result<std::unique_ptr<TempestServer>> TempestServer::make(TempestConfigFile config, KeyPair own,
                                                           Log& log, Options options) {
  std::unique_ptr<TempestServer> server(new TempestServer(log, std::move(options)));
  server->current_ = {std::move(config.config), std::move(config.digest), std::nullopt};
  ARCTIC_CHECK(server->open(std::move(own)));
  return server;
}

Status TempestServer::open(KeyPair own) {
  ARCTIC_TRY(loop_, EventLoop::make());
  started_ = loop_->now();
  ARCTIC_TRY(engine_, Engine::make(*loop_, std::move(own),
                                   {options_.workers, std::make_shared<Timestamps>(),
                                    [this](std::uint32_t device) { tunnels_->lose(device); }}));
  ARCTIC_CHECK(engine_->bind(current_.config.listen_port, current_.config.own_mark));
  tunnels_ = std::make_unique<NodeTunnels>(*loop_, log_, *engine_, options_.root);
  ARCTIC_TRY(metrics_, open_metrics(current_.config));
  const auto refusal = [](const char* reason) {
    return encode_error("null", {ControlCode::kBadRequest, reason, "", "write a shorter one"});
  };
  ARCTIC_TRY(control_,
             ControlSocket::make(
                 *loop_, {options_.control_socket,
                          [this](std::string line) -> Task<ControlSocket::Answer> {
                            co_return answer_control(*this, line);
                          },
                          refusal("the line is longer than 64 KiB"),
                          encode_error("null", {ControlCode::kBusy, "16 others are connected", "",
                                                "try again in a moment"})}));
  ARCTIC_TRY(signals_, Signals::make(*loop_, {SIGTERM, SIGINT, SIGHUP},
                                     [this](std::uint32_t signal) { take_signal(signal); }));
  ARCTIC_TRY(news_, NetworkNews::make(*loop_, [this] {
               engine_->forget_local_addresses();
               tunnels_->attach_missing();
             }));
  return {};
}

void TempestServer::run(const Notify& notify) {
  notify_ = &notify;
  follow();
  arctic::start(look_about());
  log_.say(LogLevel::kInfo, "started",
           {{"node", current_.config.node},
            {"port", engine_->port()},
            {"peers", current_.config.tunnels.size()}});
  (void)notify.ready();
  loop_->run();
  log_.say(LogLevel::kInfo, "stopped");
}

TempestServer::~TempestServer() {
  control_.reset();
  metrics_.reset();
  prepared_opened_ = {};
  signals_.reset();
  news_.reset();
  tunnels_.reset();
  if (loop_) (void)loop_->wind_up();
  engine_.reset();
}

void TempestServer::end() {
  if (std::exchange(stopping_, true)) return;
  (void)notify_->stopping();
  loop_->stop();
}

void TempestServer::take_signal(std::uint32_t signal) {
  if (signal != SIGHUP) return end();
  (void)notify_->reloading();
  if (const Done done = load(options_.config_path); !done) {
    log_.say(LogLevel::kError, "configuration refused",
             {{"file", options_.config_path},
              {"reason", done.error().reason},
              {"where", done.error().where},
              {"help", done.error().hint}});
  }
  (void)notify_->ready();
}

Task<void> TempestServer::look_about() {
  while (!stopping_) {
    co_await loop_->sleep_until(loop_->now() + kLookEvery);
    if (!stopping_) tunnels_->look();
  }
}

Result<std::unique_ptr<TextServer>> TempestServer::open_metrics(const TempestConfig& config) {
  if (!config.metrics) return std::unique_ptr<TextServer>();
  const SocketAddress where{*parse_address(config.metrics->host), config.metrics->port};
  return TextServer::make(*loop_, {where, [this] { return metrics_of(status()); }});
}

// ---- Configurations ----

/// The tunnels of the current configuration, and of others what does not meet them: what is new is
/// there before it is current, what is old stays until it is retired.
void TempestServer::follow() {
  std::vector<TempestConfig::Tunnel> wanted;
  std::set<std::string> devices;
  std::set<PublicKey> keys;
  const auto want = [&](const TempestConfig& config) {
    for (const auto& each : config.tunnels) {
      if (devices.contains(each.device) || keys.contains(each.public_key)) continue;
      devices.insert(each.device);
      keys.insert(each.public_key);
      wanted.push_back(each);
    }
  };
  want(current_.config);
  if (prepared_) want(prepared_->config);
  for (const Loaded& each : draining_) want(each.config);
  tunnels_->follow(wanted);
}

tl::expected<TempestServer::Loaded, ControlError> TempestServer::read(
    const std::string& path, const std::string& digest, std::optional<std::string> generation) {
  auto file = read_tempest_config_file(path);
  if (!file) return tl::unexpected(control_error(ControlCode::kBadConfig, file.error()));
  if (!digest.empty() && file->digest != digest) {
    return refuse(ControlCode::kBadDigest,
                  path + " has the digest " + file->digest + ", not " + digest,
                  "it was changed or not written whole: write it again and prepare that");
  }
  if (auto fits = check_identity(claim_of(file->config), engine_->own()); !fits) {
    return tl::unexpected(control_error(ControlCode::kBadIdentity, fits.error()));
  }
  return Loaded{std::move(file->config), file->digest, std::move(generation)};
}

TempestServer::Done TempestServer::begin(Loaded next) {
  Opened opened;
  if (next.config.listen_port != current_.config.listen_port) {
    auto port = engine_->open_port(next.config.listen_port, next.config.own_mark);
    if (!port) return tl::unexpected(control_error(ControlCode::kUnavailable, port.error()));
    opened.port = std::move(*port);
  }
  if (next.config.metrics != current_.config.metrics) {
    auto metrics = open_metrics(next.config);
    if (!metrics) return tl::unexpected(control_error(ControlCode::kUnavailable, metrics.error()));
    opened.metrics = std::move(*metrics);
  }
  prepared_ = std::move(next);
  prepared_opened_ = std::move(opened);
  follow();
  return ControlDone{};
}

TempestServer::Done TempestServer::prepare(const ControlRequest::Prepare& request) {
  if (stopping_) return refuse_stopping();
  const auto is_that = [&](const Loaded& loaded) {
    return loaded.generation == request.generation && loaded.digest == request.digest;
  };
  if (is_that(current_) || (prepared_ && is_that(*prepared_))) return ControlDone{};
  auto next = read(request.path, request.digest, request.generation);
  if (!next) return tl::unexpected(std::move(next).error());
  // The other one's port may be the one that is wanted.
  prepared_.reset();
  prepared_opened_ = {};
  Done done = begin(std::move(*next));
  if (!done) follow();
  return done;
}

TempestServer::Done TempestServer::abort(const ControlRequest::Abort& request) {
  if (prepared_ && prepared_->generation == request.generation) {
    prepared_.reset();
    prepared_opened_ = {};
    follow();
    return ControlDone{};
  }
  if (current_.generation == request.generation) {
    return refuse(ControlCode::kBadState, "generation " + request.generation + " is current",
                  "prepare and commit the one before it");
  }
  return ControlDone{};
}

void TempestServer::make_current() {
  Loaded old = std::exchange(current_, *std::exchange(prepared_, std::nullopt));
  Opened opened = std::exchange(prepared_opened_, {});
  Status moved;
  if (opened.port) {
    moved = engine_->use_port(std::move(*opened.port));
  } else if (old.config.own_mark != current_.config.own_mark) {
    moved = engine_->bind(engine_->port(), current_.config.own_mark);
  }
  if (!moved) {
    log_.say(LogLevel::kError, "port or mark is not as wanted",
             {{"reason", moved.error().message()}});
  }
  if (old.config.metrics != current_.config.metrics) metrics_ = std::move(opened.metrics);
  if (old.digest != current_.digest) draining_.push_back(std::move(old));
  follow();
  log_.say(LogLevel::kInfo, "configuration is current",
           {{"generation", current_.generation.value_or("none")}, {"digest", current_.digest}});
}

TempestServer::Done TempestServer::commit(const ControlRequest::Commit& request) {
  if (stopping_) return refuse_stopping();
  if (prepared_ && prepared_->generation == request.generation) {
    make_current();
    return ControlDone{};
  }
  if (current_.generation == request.generation) return ControlDone{};
  return refuse(ControlCode::kBadState, "generation " + request.generation + " is not prepared",
                "prepare it first");
}

void TempestServer::retire_old() {
  draining_.clear();
  follow();
}

TempestServer::Done TempestServer::retire(const ControlRequest::Retire& request) {
  if (current_.generation != request.generation) {
    return refuse(ControlCode::kBadState, "generation " + request.generation + " is not current",
                  "retire names the generation that stays; commit it first");
  }
  if (request.drain_s == 0) {
    retire_old();
  } else {
    loop_->at(loop_->now() + std::chrono::seconds(request.drain_s),
              [this, digest = current_.digest] {
                if (digest == current_.digest) retire_old();
              });
  }
  return ControlDone{};
}

TempestServer::Done TempestServer::load(const std::string& path) {
  if (stopping_) return refuse_stopping();
  auto next = read(path, {}, std::nullopt);
  if (!next) return tl::unexpected(std::move(next).error());
  if (next->digest == current_.digest && !prepared_) {
    log_.say(LogLevel::kInfo, "configuration has not changed", {{"digest", current_.digest}});
    return ControlDone{};
  }
  prepared_.reset();
  prepared_opened_ = {};
  if (Done begun = begin(std::move(*next)); !begun) {
    follow();
    return begun;
  }
  make_current();
  retire_old();
  return ControlDone{};
}

TempestServer::Done TempestServer::drain(std::chrono::seconds) {
  // There are no connections whose end could be waited for.
  end();
  return ControlDone{};
}

tl::expected<ConnectionList, ControlError> TempestServer::connections(
    const ControlRequest::Connections&) {
  return refuse(ControlCode::kBadRequest, "tempest carries packets and knows no connections",
                "ask pegasus");
}

// ---- What it says of itself ----

HelloResult TempestServer::hello() const {
  return {"tempest",
          options_.version,
          kControlProtocol,
          static_cast<std::uint32_t>(::getpid()),
          current_.config.node,
          engine_->own()};
}

TempestStatus TempestServer::status() {
  TempestStatus status;
  ProcessStatus& process = status.process;
  process.generations.current = current_.generation;
  if (prepared_) process.generations.prepared = prepared_->generation;
  for (const Loaded& each : draining_) process.generations.draining.push_back(each.generation);
  process.digest = current_.digest;
  process.uptime_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(loop_->now() - started_).count());
  measure_process(process);
  status.peers = tunnels_->status();
  const Engine::Support support = engine_->support();
  status.offloads = {support.sends_trains, support.takes_trains, support.tun.tcp, support.tun.udp};
  status.cipher = MultiBuffer::is_used() ? "ipsec-mb" : aead_library();
  const DropCounts drops = engine_->drops();
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    if (drops[i] > 0) status.dropped[to_string(static_cast<Drop>(i))] = drops[i];
  }
  return status;
}

std::string metrics_of(const TempestStatus& status) {
  using Type = MetricsText::Type;
  MetricsText text;
  write_process(text, status.process, "tempest");
  const auto each = [&](const char* name, Type type, const char* help, auto value) {
    text.family(name, type, help);
    for (const auto& peer : status.peers) {
      if (const std::optional<std::uint64_t> number = value(peer)) {
        text.sample({{"peer", peer.name}}, *number);
      }
    }
  };
  using PeerStatus = TempestStatus::Peer;
  using Number = std::optional<std::uint64_t>;
  each("tempest_peer_up", Type::kGauge, "1 if there is a session with the peer.",
       [](const PeerStatus& peer) { return Number(peer.has_session ? 1 : 0); });
  each("tempest_device_attached", Type::kGauge, "1 if the peer's device is there.",
       [](const PeerStatus& peer) { return Number(peer.attached ? 1 : 0); });
  each("tempest_handshake_age_seconds", Type::kGauge, "Time since the last handshake.",
       [](const PeerStatus& peer) { return peer.handshake_age_s; });
  each("tempest_sent_bytes_total", Type::kCounter, "Bytes sent to the peer, sealed.",
       [](const PeerStatus& peer) { return Number(peer.sent_bytes); });
  each("tempest_received_bytes_total", Type::kCounter, "Bytes received from the peer, sealed.",
       [](const PeerStatus& peer) { return Number(peer.received_bytes); });
  text.family("tempest_dropped_total", Type::kCounter, "Packets and datagrams dropped.");
  for (const auto& [reason, count] : status.dropped) text.sample({{"reason", reason}}, count);
  return text.text();
}

}  // namespace arctic
