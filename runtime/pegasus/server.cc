#include "runtime/pegasus/server.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <latch>

#include "runtime/io/free_memory.h"
#include "runtime/io/memory_limit.h"
#include "runtime/pegasus/entry.h"
#include "runtime/pegasus/exit.h"

namespace arctic {
namespace {

// For what is no client's: listeners, idle links, the control socket, the log.
constexpr std::size_t kReservedDescriptors = 256;

/// By the descriptors that the process may have; each connection takes two.
void set_ceiling(Ceiling& ceiling) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t all = limit.rlim_cur > 2 * kReservedDescriptors
                              ? (limit.rlim_cur - kReservedDescriptors) / 2
                              : limit.rlim_cur / 4;
  ceiling.set(all, std::max<std::size_t>(all / 4 * 3, 1));
}

}  // namespace

Result<std::unique_ptr<Server>> Server::make(ConfigFile config, KeyPair own, Log& log,
                                             Options options) {
  std::unique_ptr<Server> server(new Server(std::move(own), log, std::move(options)));
  server->current_ = {std::make_shared<const Running>(std::move(config.config)),
                      std::move(config.digest), std::nullopt};
  set_ceiling(server->shared_.ceiling);
  const View view{server->current_.running, nullptr};
  for (std::size_t i = 0; i < server->options_.workers; ++i) {
    ARCTIC_TRY(auto worker, Worker::make(server->shared_, view));
    server->threads_.push_back({std::move(worker), {}, false});
  }
  ARCTIC_TRY(server->bound_,
             bind_ports(ports_of(*server->current_.running), server->options_.workers));
  ARCTIC_CHECK(server->open_shell());
  return server;
}

Status Server::open_shell() {
  ARCTIC_TRY(loop_, EventLoop::make());
  started_ = loop_->now();
  ARCTIC_TRY(own_addresses_, OwnAddresses::make(*loop_, [this](const auto& addresses) {
               on_workers([&](Worker& worker, std::size_t) { worker.own_addresses = addresses; });
             }));
  ARCTIC_TRY(metrics_, open_metrics(current_.running->config()));
  if (options_.control_socket.empty()) return {};
  const auto refusal = [](const char* reason) {
    return encode_error("null", {ControlCode::kBadRequest, reason, "", "write a shorter one"});
  };
  ARCTIC_TRY(control_,
             ControlSocket::make(
                 *loop_, {options_.control_socket,
                          [this](std::string line) { return answer(std::move(line)); },
                          refusal("the line is longer than 64 KiB"),
                          encode_error("null", {ControlCode::kBusy, "16 others are connected", "",
                                                "try again in a moment"})}));
  return {};
}

// ---- Workers ----

Status Server::start_workers() {
  shared_.tell_all = [this](const std::string& peer) {
    for (Thread& each : threads_) {
      Worker* const worker = each.worker.get();
      worker->loop().post([worker, peer] { worker->tunnels().dial_as_due(peer); });
    }
  };
  for (Thread& each : threads_) {
    each.thread = std::thread([&each] {
      each.worker->loop().run();
      each.wound_up = each.worker->loop().wind_up();
    });
  }
  working_ = true;
  const auto addresses = own_addresses_->now();
  on_workers([&](Worker& worker, std::size_t) { worker.own_addresses = addresses; });
  ARCTIC_CHECK(listen(std::exchange(bound_, {})));
  follow_current();
  set_views();
  return {};
}

void Server::stop_workers() {
  if (!std::exchange(working_, false)) return;
  for (Thread& each : threads_) {
    each.worker->loop().stop();
    each.thread.join();
  }
}

void Server::on_workers(const std::function<void(Worker&, std::size_t)>& call) {
  if (!working_) return;
  std::latch done(static_cast<std::ptrdiff_t>(threads_.size()));
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Worker* const worker = threads_[i].worker.get();
    worker->loop().post([&, worker, i] {
      call(*worker, i);
      done.count_down();
    });
  }
  done.wait();
}

Status Server::listen(std::vector<BoundPort> ports) {
  ListenPorts opened;
  for (const BoundPort& each : ports) {
    listening_[each.port].by_worker.resize(threads_.size());
    opened.insert(each.port);
  }
  std::vector<Status> done(threads_.size());
  on_workers([&](Worker& worker, std::size_t i) { done[i] = listen_at(worker, i, ports); });
  for (Status& each : done) {
    if (each) continue;
    close_ports(opened);
    return std::move(each);
  }
  return {};
}

Status Server::listen_at(Worker& worker, std::size_t index, std::vector<BoundPort>& ports) {
  for (BoundPort& each : ports) {
    for (OwnedFd& fd : each.by_worker[index]) {
      ARCTIC_TRY(std::shared_ptr<Watched> socket, Watched::make(worker.loop(), fd.release()));
      listening_.at(each.port).by_worker[index].push_back(socket);
      arctic::start(each.port.tunnel ? accept_peers(worker, socket)
                                     : accept_clients(worker, socket, each.port.port));
    }
  }
  return {};
}

void Server::close_ports(const ListenPorts& ports) {
  on_workers([&](Worker&, std::size_t i) {
    for (const ListenPort& port : ports) {
      const auto at = listening_.find(port);
      if (at == listening_.end()) continue;
      for (const auto& socket : at->second.by_worker[i]) socket->cancel();
      at->second.by_worker[i].clear();
    }
  });
  for (const ListenPort& port : ports) listening_.erase(port);
}

ListenPorts Server::open_ports() const {
  ListenPorts ports;
  for (const auto& [port, listening] : listening_) ports.insert(port);
  return ports;
}

// ---- Life ----

Status Server::open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, each);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::kFailure, "signalfd", errno_text(errno));
  ARCTIC_TRY(auto signals, Watched::make(*loop_, fd));
  arctic::start(take_signals(std::move(signals)));
  return {};
}

Task<void> Server::take_signals(std::unique_ptr<Watched> signals) {
  for (;;) {
    const Wake wake = co_await signals->readable();
    if (wake != Wake::kReady) co_return;
    signalfd_siginfo info{};
    if (::read(signals->fd(), &info, sizeof info) == sizeof info) {
      take_signal(info.ssi_signo);
    } else if (errno == EAGAIN) {
      signals->drained();
    }
  }
}

void Server::take_signal(std::uint32_t signal) {
  if (signal != SIGHUP) {
    // Who asks a second time does not want to wait.
    (void)drain(stopping_ ? std::chrono::seconds(0) : options_.drain);
    return;
  }
  (void)notify_->reloading();
  if (const Done done = load(options_.config_path); !done) {
    shared_.log.say(LogLevel::kError, "configuration refused",
                    {{"file", options_.config_path},
                     {"reason", done.error().reason},
                     {"where", done.error().where},
                     {"help", done.error().hint}});
  }
  (void)notify_->ready();
}

/// Nearly all of it is what connections have: who refuses new ones in time keeps those that are
/// open from being killed with the process.
Task<void> Server::watch_memory() {
  constexpr std::chrono::seconds kLookEvery{1};
  constexpr std::uint64_t kSpare = 20;  // a twentieth has to be free before new ones come in again
  bool full = false;
  for (;;) {
    co_await loop_->sleep_until(loop_->now() + kLookEvery);
    if (stopping_) co_return;
    if (full) give_free_memory_back();
    const std::uint64_t used = resident_memory();
    const std::uint64_t most = options_.memory - (full ? options_.memory / kSpare : 0);
    if ((used > most) == full) continue;
    full = !full;
    shared_.ceiling.set_memory_full(full);
    shared_.log.say(full ? LogLevel::kWarning : LogLevel::kInfo,
                    full ? "memory is used up: new connections are refused"
                         : "there is memory again for new connections",
                    {{"used_bytes", used}, {"limit_bytes", options_.memory}});
  }
}

Result<bool> Server::run(const Notify& notify) {
  notify_ = &notify;
  ARCTIC_CHECK(open_signals());
  if (auto started = start_workers(); !started) {
    stop_workers();
    return tl::unexpected<Error>(std::move(started).error());
  }
  arctic::start(watch_memory());
  const PegasusConfig& config = current_.running->config();
  shared_.log.say(LogLevel::kInfo, "started",
                  {{"node", config.node},
                   {"port", config.listen_port},
                   {"services", config.tunnels.size()},
                   {"peers", config.peers.size()}});
  (void)notify.ready();
  loop_->run();
  stop_workers();
  shared_.log.say(LogLevel::kInfo, "stopped");
  const bool in_order = close_shell();
  return in_order && std::all_of(threads_.begin(), threads_.end(),
                                 [](const Thread& each) { return each.wound_up; });
}

bool Server::close_shell() {
  control_.reset();
  metrics_.reset();
  prepared_metrics_.reset();
  own_addresses_.reset();
  return !loop_ || loop_->wind_up();
}

Server::Done Server::drain(std::chrono::seconds longest) {
  const Watched::Time until = loop_->now() + longest;
  if (!std::exchange(stopping_, true)) {
    (void)notify_->stopping();
    close_ports(open_ports());
    on_workers([](Worker& worker, std::size_t) { worker.drain(); });
    shared_.log.say(LogLevel::kInfo, "draining", {{"seconds", longest.count()}});
  } else if (until < drain_until_) {
    shared_.log.say(LogLevel::kInfo, "the drain is shortened", {{"seconds", longest.count()}});
  } else {
    return ControlDone{};  // it ends sooner than that anyway
  }
  drain_until_ = until;
  arctic::start(await_empty(until));
  return ControlDone{};
}

Task<void> Server::await_empty(Watched::Time deadline) {
  constexpr std::chrono::milliseconds kLookEvery{50};
  for (;;) {
    std::atomic<bool> empty{true};
    on_workers([&](Worker& worker, std::size_t) {
      if (!worker.is_empty()) empty = false;
    });
    if (empty || loop_->now() >= deadline) break;
    co_await loop_->sleep_until(std::min(deadline, loop_->now() + kLookEvery));
  }
  std::atomic<std::size_t> cut{0};
  on_workers([&](Worker& worker, std::size_t) { cut += worker.cut_all(); });
  if (cut > 0) {
    shared_.log.say(LogLevel::kWarning, "connections cut",
                    {{"connections", cut.load()}, {"reason", "the drain is over"}});
  }
  loop_->stop();
}

Server::~Server() { (void)close_shell(); }

}  // namespace arctic
