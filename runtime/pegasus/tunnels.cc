#include "runtime/pegasus/tunnels.h"

#include <algorithm>

#include "runtime/pegasus/worker.h"

namespace arctic {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kTendEvery{5};
constexpr unsigned kLookEvery = 3;  // of these
// What is left of the other end's patience with a link that nobody uses any more, twice.
constexpr seconds kAwaitEnd = 2 * (link_life::kIdleTime - link_life::kUseIdle);
static_assert(link_life::kOldest - link_life::kUseOld <=
              link_life::kIdleTime - link_life::kUseIdle);
constexpr seconds kPartStopping{5};
constexpr seconds kSessionElsewhere{1};
constexpr milliseconds kUnacknowledgedBusy{0};
constexpr milliseconds kUnacknowledgedIdle{10'000};

bool usable(const IdleLink& idle, Watched::Time now) {
  return idle.link && !idle.link->socket().hung_up() && now - idle.used < link_life::kUseIdle &&
         now - idle.link->born() < link_life::kUseOld;
}

/// How a link is to be closed that nobody wants any more: with a reset once the other end is done
/// with what it carried, which leaves no port behind in TIME_WAIT; else in order, so that what it
/// has not read yet still gets there.
void close_after(TunnelLink& link, bool done) {
  if (done || link.wrong() != nullptr) reset_on_close(link.socket().fd());
}

/// Waits for the other end to close the link, for a while; then resets it.
Task<void> await_end(std::unique_ptr<TunnelLink> link) {
  Watched& socket = link->socket();
  socket.set_watcher(nullptr);
  socket.renew();
  const Watched::Time deadline = socket.loop().now() + kAwaitEnd;
  while (!socket.hung_up()) {
    socket.drained();
    if (co_await socket.readable(deadline) != Wake::kReady) break;
  }
  if (!socket.hung_up()) reset_on_close(socket.fd());
}

}  // namespace

Tunnels::Tunnels(Worker& worker) : worker_(worker) {}

Tunnels::Peer& Tunnels::peer(const std::string& name) {
  auto& found = peers_[name];
  if (!found) found = std::make_unique<Peer>(worker_.loop());
  return *found;
}

// ---- Taken and given back ----

std::unique_ptr<TunnelLink> Tunnels::pop_idle(Peer& peer) {
  const Watched::Time now = worker_.loop().now();
  while (!peer.idle.empty()) {
    IdleLink last = std::move(peer.idle.back());
    peer.idle.pop_back();
    if (usable(last, now)) {
      last.link->socket().set_watcher(nullptr);
      if (last.asked) set_unacknowledged(last.link->socket().fd(), kUnacknowledgedBusy);
      return std::move(last.link);
    }
    // What ended is dropped; what nobody may take any more, the other end closes.
    if (last.link && !last.link->socket().hung_up()) start(await_end(std::move(last.link)));
  }
  return nullptr;
}

Task<std::unique_ptr<TunnelLink>> Tunnels::take(std::string name, Watched::Time deadline) {
  Peer& at = peer(name);
  at.policy.opening(worker_.loop().now());
  for (;;) {
    std::unique_ptr<TunnelLink> link = pop_idle(at);
    if (link) ++at.busy;
    dial_as_due(name);
    if (link || stopping_) co_return link;
    const bool opened = co_await at.changed.wait(deadline);
    if (!opened) co_return nullptr;
  }
}

void Tunnels::add_idle(Peer& at, std::unique_ptr<TunnelLink> link) {
  link->socket().set_watcher(this);
  at.idle.push_back({std::move(link), worker_.loop().now()});
  at.changed.open_one();
}

std::unique_ptr<TunnelLink> Tunnels::if_quiet(const std::string& name,
                                              std::unique_ptr<TunnelLink> link) {
  if (!link->socket().hung_up() && link->is_quiet()) return link;
  if (!link->socket().hung_up() && link->wrong() == nullptr && link->is_last()) {
    start(part(std::move(link)));
    return nullptr;
  }
  // What ended in order is closed so: a reset would say that something was lost.
  if (!link->socket().hung_up()) reset_on_close(link->socket().fd());
  if (link->wrong() != nullptr) {
    worker_.shared().log.say(LogLevel::kWarning, "tunnel connection closed",
                             {{"peer", name}, {"reason", link->wrong()}});
  }
  return nullptr;
}

void Tunnels::heard(Watched& socket) {
  for (auto& [name, at] : peers_) {
    const auto found = std::find_if(at->idle.begin(), at->idle.end(), [&](const IdleLink& idle) {
      return idle.link && &idle.link->socket() == &socket;
    });
    if (found == at->idle.end()) continue;
    found->link = if_quiet(name, std::move(found->link));
    return;
  }
}

Task<bool> Tunnels::is_done(TunnelLink& link, Watched::Time deadline) {
  bool good = link.ping();
  while (good && link.owes_pong()) {
    if (link.has_kept()) {
      good = co_await link.flush(deadline);
      if (!good) break;
    }
    const auto record = co_await link.next_record(deadline);
    good = record && link.take_between(*record);
  }
  co_return good;
}

// The bytes may wait for a slow destination: the next client's OPEN would wait behind them, and who
// gave the link up for that would destroy them.
Task<void> Tunnels::give_back_done(std::string name, std::unique_ptr<TunnelLink> link) {
  ++worker_.parting;
  const bool done = co_await is_done(*link, worker_.loop().now() + link_life::kSlowest);
  --worker_.parting;
  if (link->socket().hung_up()) co_return;
  if (done && wanted(name, *link)) co_return give_back_now(name, std::move(link));
  close_after(*link, done);
}

Task<void> Tunnels::part(std::unique_ptr<TunnelLink> link) {
  ++worker_.parting;
  link->socket().set_watcher(nullptr);
  link->socket().renew();
  // What the client has sent last may still wait for its destination at the other end, and a reset
  // would destroy it. PING is read there after that.
  const Watched::Time deadline = worker_.loop().now() + (stopping_ ? kPartStopping : kAwaitEnd);
  const bool done = co_await is_done(*link, deadline);
  close_after(*link, done);
  link.reset();
  --worker_.parting;
}

void Tunnels::drop_idle(Peer& at) {
  for (IdleLink& idle : at.idle) {
    if (idle.link) start(part(std::move(idle.link)));
  }
  at.idle.clear();
}

bool Tunnels::wanted(const std::string& name, const TunnelLink& link) {
  const Peer& at = peer(name);
  return !stopping_ && link.epoch() == at.epoch && worker_.peer_config(name) != nullptr &&
         at.idle.size() < PoolPolicy::kMost;
}

void Tunnels::give_back(const std::string& name, std::unique_ptr<TunnelLink> link,
                        bool surely_done) {
  --peer(name).busy;
  if (link->socket().hung_up()) return;
  if (!surely_done) return start(give_back_done(name, std::move(link)));
  if (!wanted(name, *link)) return start(part(std::move(link)));
  give_back_now(name, std::move(link));
}

void Tunnels::give_back_now(const std::string& name, std::unique_ptr<TunnelLink> link) {
  Peer& at = peer(name);
  link = if_quiet(name, std::move(link));
  if (!link) return;
  at.policy.came_back(worker_.loop().now());
  add_idle(at, std::move(link));
}

void Tunnels::let_end(const std::string& name, std::unique_ptr<TunnelLink> link,
                      const RelayResult& result) {
  Peer& at = peer(name);
  --at.busy;
  const int fd = link->socket().fd();
  if (result.peer_silent) drop_idle(at);
  // Who breaks the rules may never close it, and would keep a descriptor for each client.
  if (result.link_dead || result.broken != nullptr) return reset_on_close(fd);
  if (!link->socket().hung_up()) start(await_end(std::move(link)));
}

// ---- Dialled ----

bool Tunnels::needed(const std::string& name) const {
  const auto& tunnels = worker_.view().current->config().tunnels;
  return std::any_of(tunnels.begin(), tunnels.end(), [&](const auto& tunnel) {
    return tunnel.role == PegasusConfig::Role::kEntry && tunnel.peer == name;
  });
}

void Tunnels::dial_as_due(const std::string& name) {
  const PegasusConfig::Peer* const config = worker_.peer_config(name);
  if (stopping_ || config == nullptr || !config->endpoint) return;
  Peer& at = peer(name);
  follow(at, config);
  const Watched::Time now = worker_.loop().now();
  std::size_t count = at.policy.dials(at.idle.size(), at.dialling, at.changed.waiting(), now);
  if (count == 0) {
    if (now < at.policy.may_dial_at()) retry_at(name, at.policy.may_dial_at());
    return;
  }
  Sessions& sessions = worker_.shared().sessions;
  if (sessions.begin(config->public_key, now)) {
    ++at.dialling;
    --count;
    start(dial(name, true));
  }
  if (sessions.with(config->public_key, now) == nullptr) {
    // Another dial makes the session; all are told when it is there.
    return retry_at(name, now + kSessionElsewhere);
  }
  for (; count > 0; --count) {
    ++at.dialling;
    start(dial(name, false));
  }
}

void Tunnels::retry_at(const std::string& name, Watched::Time when) {
  Peer& at = peer(name);
  if (std::exchange(at.retry_set, true)) return;
  worker_.loop().at(when, [this, name] {
    peer(name).retry_set = false;
    dial_as_due(name);
  });
}

Task<void> Tunnels::dial(std::string name, bool new_session) {
  const PegasusConfig::Peer config = *worker_.peer_config(name);
  const std::uint32_t mark = worker_.view().current->config().own_mark;
  const std::uint64_t epoch = peer(name).epoch;
  Dialled dialled = co_await dial_peer(worker_, config, mark, new_session);
  if (new_session) worker_.shared().sessions.done(config.public_key);
  if (epoch != peer(name).epoch) {
    // What came of it says nothing of the peer as it is now.
    --peer(name).dialling;
    if (dialled.link) start(part(std::move(dialled.link)));
    if (new_session) worker_.tell_all(name);
    co_return dial_as_due(name);
  }
  if (dialled.forgot) peer(name).policy.succeeded();  // it is there: it is not to be waited for
  if (dialled.link) {
    dialled.link->set_epoch(epoch);
    dialled.link = if_quiet(name, std::move(dialled.link));
    dialled.reason = "the connection broke";
  }
  Peer& at = peer(name);
  --at.dialling;
  const Watched::Time now = worker_.loop().now();
  if (dialled.link) {
    at.policy.succeeded();
    at.handshakes += new_session ? 1 : 0;
    if (!at.last_error.empty()) {
      worker_.shared().log.say(LogLevel::kInfo, "peer answers again", {{"peer", name}});
    }
    at.last_error.clear();
    if (!stopping_) add_idle(at, std::move(dialled.link));
  } else {
    if (dialled.overloaded) {
      at.policy.overloaded(now, worker_.chance());
    } else {
      at.policy.failed(now, worker_.chance());
    }
    if (at.last_error != dialled.reason && !dialled.overloaded) {
      worker_.shared().log.say(LogLevel::kWarning, "peer cannot be reached",
                               {{"peer", name}, {"reason", dialled.reason}});
    }
    at.last_error = std::move(dialled.reason);
  }
  if (new_session) worker_.tell_all(name);
  dial_as_due(name);
}

// ---- Kept ----

void Tunnels::follow(Peer& at, const PegasusConfig::Peer* config) {
  const PublicKey key = config != nullptr ? config->public_key : PublicKey{};
  const auto endpoint = config != nullptr ? config->endpoint : std::nullopt;
  if (key == at.key && endpoint == at.endpoint) return;
  drop_idle(at);
  at.policy.succeeded();  // whoever did not answer was somebody else
  at.key = key;
  at.endpoint = endpoint;
  ++at.epoch;
}

void Tunnels::follow() {
  for (auto& [name, at] : peers_) follow(*at, worker_.peer_config(name));
  for (const auto& config : worker_.view().current->config().peers) {
    follow(peer(config.name), &config);
    if (needed(config.name)) dial_as_due(config.name);
  }
  if (stopped_) return;
  stopped_ = std::make_unique<Gate>(worker_.loop());
  start(tend());
}

Task<void> Tunnels::tend() {
  for (unsigned rounds = 1;; ++rounds) {
    const bool stopped = co_await stopped_->wait(worker_.loop().now() + kTendEvery);
    if (stopped) co_return;
    if (rounds % kLookEvery == 0) worker_.look();
    worker_.shared().sessions.forget_old(worker_.loop().now());
    for (auto& [name, at] : peers_) {
      const bool used = needed(name);
      tend(*at, used);
      if (used) dial_as_due(name);
    }
  }
}

void Tunnels::tend(Peer& at, bool needed) {
  const Watched::Time now = worker_.loop().now();
  std::erase_if(at.idle,
                [](const IdleLink& idle) { return !idle.link || idle.link->socket().hung_up(); });
  // Those that nobody may take any more go, oldest first; the other end closes them.
  while (!at.idle.empty() && !usable(at.idle.front(), now)) {
    start(await_end(std::move(at.idle.front().link)));
    at.idle.erase(at.idle.begin());
  }
  if (!needed) return;
  const std::size_t floor = std::min(at.idle.size(), PoolPolicy::kFewest);
  for (std::size_t i = at.idle.size() - floor; i < at.idle.size(); ++i) {
    IdleLink& idle = at.idle[i];
    if (!usable(idle, now) || now - idle.used < link_life::kAskAfter) continue;
    if (!idle.asked) set_unacknowledged(idle.link->socket().fd(), kUnacknowledgedIdle);
    idle.asked = true;
    idle.used = now;
    (void)idle.link->ping();
  }
}

void Tunnels::stop() {
  stopping_ = true;
  if (stopped_) stopped_->open_all();
  for (auto& [name, at] : peers_) {
    drop_idle(*at);
    at->changed.open_all();
  }
}

std::map<std::string, TunnelsState> Tunnels::state() const {
  std::map<std::string, TunnelsState> out;
  for (const auto& [name, at] : peers_) {
    TunnelsState& state = out[name];
    state = {0, at->busy, at->handshakes, at->policy.failing(), at->last_error, 0, 0};
    const TunnelLink* any = nullptr;
    for (const IdleLink& idle : at->idle) {
      if (!idle.link) continue;
      ++state.idle;
      any = idle.link.get();
    }
    if (any == nullptr) continue;
    const TcpState tcp = tcp_state(any->socket().fd());
    state.rtt_us = tcp.rtt_us;
    state.retransmits = tcp.retransmits;
  }
  return out;
}

}  // namespace arctic
