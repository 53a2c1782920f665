#include "runtime/pegasus/worker.h"

#include <algorithm>

namespace arctic {
namespace {

constexpr std::size_t kFewestIdle = 2;
constexpr std::size_t kMostIdle = 128;
constexpr std::size_t kMostDialling = 16;

}  // namespace

Result<std::unique_ptr<Worker>> Worker::make(Shared& shared, RunningHandle running) {
  ARCTIC_TRY(auto loop, EventLoop::make());
  return std::unique_ptr<Worker>(new Worker(shared, std::move(running), std::move(loop)));
}

std::unique_ptr<TunnelLink> Worker::pop_idle(PeerTunnels& tunnels) {
  while (!tunnels.idle.empty()) {
    std::unique_ptr<TunnelLink> link = std::move(tunnels.idle.back());
    tunnels.idle.pop_back();
    if (!link->socket().hung_up()) return link;
  }
  return nullptr;
}

void Worker::begin_dial(const std::string& peer) {
  ++tunnels_[peer].dialling;
  start(dial(peer));
}

Task<void> Worker::dial(std::string peer) {
  const RunningHandle running = running_;
  const PegasusConfig::Peer* const config = running->peer(peer);
  Dialled dialled;
  if (config != nullptr) {
    dialled = co_await dial_peer(*this, *config, running->config().own_mark);
  }
  PeerTunnels& tunnels = tunnels_[peer];
  --tunnels.dialling;
  if (dialled.link) {
    tunnels.idle.push_back(std::move(dialled.link));
  } else {
    shared_.say("peer " + peer + ": " + dialled.reason);
  }
  for (const auto handle : tunnels.waiting) loop_->resume_soon(handle);
  tunnels.waiting.clear();
}

namespace {

/// Until something about the peer's links changes.
struct Changed {
  PeerTunnels& tunnels;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { tunnels.waiting.push_back(handle); }
  void await_resume() const {}
};

}  // namespace

Task<std::unique_ptr<TunnelLink>> Worker::take_link(const std::string& peer,
                                                    Watched::Time deadline) {
  PeerTunnels& tunnels = tunnels_[peer];
  for (;;) {
    std::unique_ptr<TunnelLink> link = pop_idle(tunnels);
    if (tunnels.idle.size() + tunnels.dialling < kFewestIdle) begin_dial(peer);
    if (link) co_return link;
    if (loop_->now() >= deadline) co_return nullptr;
    const std::size_t wanted = std::min(tunnels.waiting.size() + 1, kMostDialling);
    while (tunnels.dialling < wanted) begin_dial(peer);
    co_await Changed{tunnels};
  }
}

void Worker::give_back(const std::string& peer, std::unique_ptr<TunnelLink> link) {
  PeerTunnels& tunnels = tunnels_[peer];
  if (tunnels.idle.size() >= kMostIdle) {
    // A reset leaves no port behind in TIME_WAIT.
    reset_on_close(link->socket().fd());
    return;
  }
  tunnels.idle.push_back(std::move(link));
  if (!tunnels.waiting.empty()) {
    loop_->resume_soon(tunnels.waiting.front());
    tunnels.waiting.erase(tunnels.waiting.begin());
  }
}

}  // namespace arctic
