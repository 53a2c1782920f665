// What one thread of Pegasus has: an event loop, buffers, and its tunnels to the peers.
//
// Entry and exit work on it; nothing in it is touched by another thread, but for what says so.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "runtime/io/sockets.h"
#include "runtime/pegasus/link.h"
#include "runtime/pegasus/relay.h"
#include "runtime/pegasus/running.h"
#include "runtime/pegasus/sessions.h"

namespace arctic {

/// Shared by all workers.
struct Shared {
  explicit Shared(KeyPair own) : sessions(std::move(own)) {}
  Sessions sessions;
  std::function<void(const std::string&)> log;  ///< a line for people; thread-safe; may be empty

  void say(const std::string& line) const {
    if (log) log(line);
  }
};

struct PeerTunnels {
  std::vector<std::unique_ptr<TunnelLink>> idle;  ///< the last used is last
  std::size_t dialling = 0;
  std::vector<std::coroutine_handle<>> waiting;  ///< for a link, or for a dial to fail
};

class Worker {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Worker>> make(Shared& shared, RunningHandle running);

  [[nodiscard]] EventLoop& loop() { return *loop_; }
  [[nodiscard]] Shared& shared() { return shared_; }
  [[nodiscard]] RelayBuffers& buffers() { return buffers_; }
  [[nodiscard]] RelayCounts& counts() { return counts_; }
  [[nodiscard]] const RunningHandle& running() const { return running_; }
  void set_running(RunningHandle running) { running_ = std::move(running); }

  /// A link to the peer, ready for OPEN; null if there is none until the deadline.
  [[nodiscard]] Task<std::unique_ptr<TunnelLink>> take_link(const std::string& peer,
                                                            Watched::Time deadline);
  /// For the next connection.
  void give_back(const std::string& peer, std::unique_ptr<TunnelLink> link);

  std::vector<Address> own_addresses;  ///< of the node

 private:
  Worker(Shared& shared, RunningHandle running, std::unique_ptr<EventLoop> loop)
      : shared_(shared), running_(std::move(running)), loop_(std::move(loop)) {}

  [[nodiscard]] std::unique_ptr<TunnelLink> pop_idle(PeerTunnels& tunnels);
  void begin_dial(const std::string& peer);
  Task<void> dial(std::string peer);

  Shared& shared_;
  RunningHandle running_;
  std::unique_ptr<EventLoop> loop_;
  RelayBuffers buffers_;
  RelayCounts counts_;
  std::map<std::string, PeerTunnels> tunnels_;
};

/// Dials a peer and makes a link: HELLO where there is a session, else INIT. Null with a reason.
struct Dialled {
  std::unique_ptr<TunnelLink> link;
  std::string reason;
};
[[nodiscard]] Task<Dialled> dial_peer(Worker& worker, const PegasusConfig::Peer& peer,
                                      std::uint32_t own_mark);

}  // namespace arctic
