#include "runtime/tempest/engine.h"

#include <time.h>

#include <atomic>
#include <latch>
#include <random>
#include <shared_mutex>
#include <unordered_set>
#include <utility>

namespace arctic {
namespace {

constexpr std::size_t kMostWaiting = 1024;  // handshakes
constexpr std::size_t kLoaded = 64;         // of them: from here on, for a while, we are under load
constexpr std::chrono::seconds kLoadedFor{1};

std::chrono::nanoseconds since_1970() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

double chance() {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

class Engine::Inbox : public ControlSide, public std::enable_shared_from_this<Inbox> {
 public:
  struct Handshake {
    std::vector<std::uint8_t> message;
    PeerEndpoint from;
  };
  struct Content {
    std::vector<PeerHandle> to_tend;
    std::vector<Handshake> handshakes;
    std::vector<std::uint32_t> gone;
  };

  Inbox(EventLoop& loop, std::function<void()> told) : loop_(loop), told_(std::move(told)) {}

  // ---- From workers ----

  void tend(const PeerHandle& peer) override {
    const std::lock_guard lock(mutex_);
    content_.to_tend.push_back(peer);
    tell();
  }
  bool take_handshake(ByteView message, const PeerEndpoint& from) override {
    const std::lock_guard lock(mutex_);
    if (content_.handshakes.size() >= kLoaded) {
      loaded_until_.store((steady_time() + kLoadedFor).count(), std::memory_order_relaxed);
    }
    if (content_.handshakes.size() >= kMostWaiting) return false;
    content_.handshakes.push_back({{message.begin(), message.end()}, from});
    tell();
    return true;
  }
  void gone(std::uint32_t device) override {
    const std::lock_guard lock(mutex_);
    content_.gone.push_back(device);
    tell();
  }
  bool is_loaded() const override {
    return loaded_until_.load(std::memory_order_relaxed) > steady_time().count();
  }
  bool knows(const Address& address) const override {
    const std::shared_lock lock(places_mutex_);
    return places_.contains(address);
  }

  // ---- In the loop's thread ----

  [[nodiscard]] Content take() {
    const std::lock_guard lock(mutex_);
    is_told_ = false;
    return std::exchange(content_, {});
  }
  /// With `most` of them all are forgotten: those where somebody is come back soon.
  void know(const Address& address, std::size_t most) {
    const std::unique_lock lock(places_mutex_);
    if (places_.size() >= most) places_.clear();
    places_.insert(address);
  }
  /// Nobody listens any more.
  void close() { told_ = {}; }

 private:
  static std::chrono::nanoseconds steady_time() {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
  /// REQUIRES: the lock is held.
  void tell() {
    if (std::exchange(is_told_, true)) return;
    loop_.post([inbox = shared_from_this()] {
      if (inbox->told_) inbox->told_();
    });
  }

  EventLoop& loop_;
  std::function<void()> told_;
  std::mutex mutex_;
  Content content_;
  bool is_told_ = false;
  std::atomic<std::int64_t> loaded_until_ = 0;
  mutable std::shared_mutex places_mutex_;
  std::unordered_set<Address, AddressHash> places_;  ///< of our peers
};

// ---- Made and ended ----

Result<std::unique_ptr<Engine>> Engine::make(EventLoop& loop, KeyPair own, Options options) {
  std::unique_ptr<Engine> engine(new Engine(loop, std::move(options)));
  ARCTIC_CHECK(engine->start(std::move(own)));
  return engine;
}

Status Engine::start(KeyPair own) {
  inbox_ = std::make_shared<Inbox>(loop_, [this] { take_inbox(); });
  auto local = std::make_shared<LocalSide>();
  local->own = std::move(own);
  local->indices = std::make_shared<Indices>();
  local->timestamps = options_.timestamps;
  local->slots = options_.workers + 1;
  local->since_1970 = since_1970;
  local->chance = chance;
  roster_ = std::make_unique<Roster>(local);
  for (std::size_t i = 0; i < options_.workers; ++i) {
    ARCTIC_TRY(auto worker, Worker::make({i, local->own.point, local->indices, inbox_}));
    threads_.push_back({std::move(worker), {}});
  }
  for (Thread& each : threads_) {
    each.thread = std::thread([worker = each.worker.get()] { worker->run(); });
  }
  return {};
}

Engine::~Engine() {
  if (inbox_) inbox_->close();
  for (Thread& each : threads_) {
    if (!each.thread.joinable()) continue;
    each.worker->stop();
    each.thread.join();
  }
  for (const auto& [key, timer] : timers_) loop_.forget(timer);
}

Status Engine::on_workers(const std::function<Status(Worker&, std::size_t)>& what) {
  std::latch done(static_cast<std::ptrdiff_t>(threads_.size()));
  std::vector<Status> outcomes(threads_.size());
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Worker* const worker = threads_[i].worker.get();
    worker->call([&, worker, i] {
      outcomes[i] = what(*worker, i);
      done.count_down();
    });
  }
  done.wait();
  for (Status& each : outcomes) ARCTIC_CHECK(std::move(each));
  return {};
}

// ---- The port ----

Status Engine::bind(std::uint16_t port, std::uint32_t mark) {
  // One socket cannot see whether its port is free while another of ours has it.
  if (port != 0 && port == bound_.port) {
    for (const UdpPair& each : bound_.pairs) ARCTIC_CHECK(set_mark(each, mark));
    return {};
  }
  ARCTIC_TRY(UdpBound next, open_port(port, mark));
  return use_port(std::move(next));
}

Result<UdpBound> Engine::open_port(std::uint16_t port, std::uint32_t mark) {
  return bind_udp(port, threads_.size(), mark);
}

Status Engine::use_port(UdpBound port) {
  std::swap(bound_, port);
  support_.takes_trains = bound_.pairs.front().takes_trains;
  return on_workers([&](Worker& worker, std::size_t i) { return worker.use(&bound_.pairs[i]); });
}

void Engine::unbind() {
  (void)on_workers([](Worker& worker, std::size_t) { return worker.use(nullptr); });
  bound_ = {};
}

// ---- Devices ----

Status Engine::add_device(std::uint32_t device, const std::string& name, std::uint32_t mtu,
                          std::vector<TunQueue> queues) {
  support_.tun = queues.front().offloads;
  return on_workers([&](Worker& worker, std::size_t i) {
    return worker.add(
        {device, name, mtu, std::move(queues[i]), std::make_shared<const PeerTable>()});
  });
}

void Engine::remove_device(std::uint32_t device) {
  (void)on_workers([&](Worker& worker, std::size_t) -> Status {
    worker.remove(device);
    return {};
  });
}

void Engine::set_table(std::uint32_t device, PeerTable table) {
  const auto shared = std::make_shared<const PeerTable>(std::move(table));
  (void)on_workers([&](Worker& worker, std::size_t) -> Status {
    worker.set_table(device, shared);
    return {};
  });
}

void Engine::set_mtu(std::uint32_t device, std::uint32_t mtu) {
  (void)on_workers([&](Worker& worker, std::size_t) -> Status {
    worker.set_mtu(device, mtu);
    return {};
  });
}

// ---- Peers ----

PeerHandle Engine::add_peer(const PublicKey& key, std::uint32_t device) {
  return roster_->add(key, device);
}

void Engine::remove_peer(const PublicKey& key) {
  forget_timer(key);
  TunnelPeer::Actions actions;
  roster_->remove(key, actions);
  perform(nullptr, std::move(actions));
}

void Engine::initiate(const PeerHandle& peer) {
  TunnelPeer::Actions actions;
  {
    const auto lock = peer->lock();
    peer->initiate(now(), actions);
  }
  perform(peer, std::move(actions));
  tend(peer);
}

void Engine::keep_alive(const PeerHandle& peer) {
  TunnelPeer::Actions actions;
  {
    const auto lock = peer->lock();
    peer->keep_alive(now(), actions);
  }
  perform(peer, std::move(actions));
  tend(peer);
}

void Engine::reset(const PeerHandle& peer) {
  TunnelPeer::Actions actions;
  {
    const auto lock = peer->lock();
    peer->reset(actions);
  }
  perform(peer, std::move(actions));
  tend_at(peer, Timers::kNever);
}

void Engine::tend(const PeerHandle& peer) {
  if (roster_->find(peer->remote()) != peer) return;  // it was removed meanwhile
  TunnelPeer::Actions actions;
  Time next{};
  {
    const auto lock = peer->lock();
    next = peer->tend(now(), actions);
  }
  perform(peer, std::move(actions));
  tend_at(peer, next);
}

void Engine::forget_timer(const PublicKey& key) {
  const auto timer = timers_.find(key);
  if (timer == timers_.end()) return;
  loop_.forget(timer->second);
  timers_.erase(timer);
}

void Engine::tend_at(const PeerHandle& peer, Time when) {
  forget_timer(peer->remote());
  if (when == Timers::kNever) return;
  timers_[peer->remote()] = loop_.at(when, [this, peer] {
    timers_.erase(peer->remote());  // the loop has taken it out
    tend(peer);
  });
}

void Engine::know_place(const PeerHandle& peer) {
  std::optional<PeerEndpoint> endpoint;
  {
    const auto lock = peer->lock();
    endpoint = peer->endpoint();
  }
  if (!endpoint || inbox_->knows(endpoint->remote.address)) return;
  constexpr std::size_t kPlacesOfPeer = 4;  // it may move
  inbox_->know(endpoint->remote.address, kPlacesOfPeer * (roster_->all().size() + 1));
}

void Engine::forget_local_addresses() {
  for (const auto& [key, peer] : roster_->all()) {
    const auto lock = peer->lock();
    peer->forget_local_address();
  }
}

void Engine::perform(const PeerHandle& peer, TunnelPeer::Actions actions) {
  if (!actions.datagrams.empty()) {
    std::optional<PeerEndpoint> to;
    {
      const auto lock = peer->lock();
      to = peer->endpoint();
    }
    know_place(peer);
    for (const auto& each : actions.datagrams) {
      if (!to || bound_.pairs.empty()) {
        drops_.add(Drop::kNoEndpoint);
        continue;
      }
      const SendCounts counts = send_datagram(bound_.pairs.front(), *to, each);
      drops_.add(Drop::kNoSend, counts.dropped);
      if (counts.local_address_bad) {
        const auto lock = peer->lock();
        peer->forget_local_address();
        to->local.reset();
      }
    }
  }
  if (!actions.undeliverable.empty()) {
    drops_.add(Drop::kNoSession, actions.undeliverable.size());
    // One of them says enough.
    Worker* const worker = threads_.front().worker.get();
    worker->call(
        [worker, device = peer->device(), packet = std::move(actions.undeliverable.back())] {
          worker->return_unreachable(device, packet);
        });
  }
  if (!actions.retired) return;
  for (Thread& each : threads_) {
    Worker* const worker = each.worker.get();
    worker->call([worker] { worker->forget_retired(); });
  }
}

// ---- What workers hand over ----

void Engine::take_inbox() {
  Inbox::Content content = inbox_->take();
  for (const Inbox::Handshake& each : content.handshakes) {
    auto outcome = roster_->consume(each.message, each.from, now());
    if (outcome.drop) drops_.add(*outcome.drop);
    if (!outcome.peer || outcome.drop) continue;
    perform(outcome.peer, std::move(outcome.actions));
    content.to_tend.push_back(outcome.peer);
  }
  for (const PeerHandle& peer : content.to_tend) tend(peer);
  for (const std::uint32_t device : content.gone) {
    remove_device(device);
    if (options_.gone) options_.gone(device);
  }
}

Engine::Support Engine::support() {
  std::atomic<bool> sends = true;
  (void)on_workers([&](Worker& worker, std::size_t) -> Status {
    if (!worker.sends_trains()) sends = false;
    return {};
  });
  Support support = support_;
  support.sends_trains = sends;
  return support;
}

DropCounts Engine::drops() const {
  DropCounts sum{};
  drops_.add_to(sum);
  for (const Thread& each : threads_) each.worker->drops().add_to(sum);
  return sum;
}

}  // namespace arctic
