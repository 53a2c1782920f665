// A worker's tunnel connections to the peers that it dials: taken for a client's connection, given
// back after it, dialled before they are needed.
//
// How many and when is the pool's policy (pool.h), what is said on a new one is dial.cc's. One
// thread; but for what says so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/io/gate.h"
#include "runtime/pegasus/link.h"
#include "runtime/pegasus/pool.h"
#include "runtime/pegasus/running.h"

namespace arctic {

class Worker;
struct RelayResult;

/// An idle link and what its use is bounded by.
struct IdleLink {
  /// Null once it has ended: the place is left, so that who closes each link is not dialled without
  /// end but every few seconds, or when a client wants one.
  std::unique_ptr<TunnelLink> link;
  Watched::Time used{};  ///< when it was given back, or asked last
  bool asked = false;    ///< a PING went out, and its sending is watched more closely
};

/// What `status` says of a peer.
struct TunnelsState {
  std::size_t idle = 0;
  std::size_t busy = 0;
  std::uint64_t handshakes = 0;
  bool failing = false;
  std::string last_error;  ///< empty if it answers
  std::uint32_t rtt_us = 0;
  std::uint64_t retransmits = 0;
};

class Tunnels : public SocketWatcher {
 public:
  explicit Tunnels(Worker& worker);

  /// A link to the peer, ready for OPEN; null if there is none until the deadline.
  [[nodiscard]] Task<std::unique_ptr<TunnelLink>> take(std::string peer, Watched::Time deadline);
  /// For the next connection. `surely_done`: the other end has nothing more to do or to say for the
  /// one before.
  void give_back(const std::string& peer, std::unique_ptr<TunnelLink> link, bool surely_done);
  /// One that was taken and carries nothing any more: waits for the other end to close it, so that
  /// no port of ours stays behind. A dead or broken one is reset at once; and if the peer of a dead
  /// one did not even take what was sent, the idle ones are not trusted any more.
  void let_end(const std::string& peer, std::unique_ptr<TunnelLink> link,
               const RelayResult& result);

  /// The configuration changed: drops the links of peers that are gone or others now, and dials
  /// those that services go to.
  void follow();
  /// Begins the dials that are due. To be called, too, when another worker made the peer's session.
  void dial_as_due(const std::string& peer);
  /// Drops idle links, and begins no more.
  void stop();

  [[nodiscard]] std::map<std::string, TunnelsState> state() const;

  // ---- Of an idle link: nobody may use it any more if the other end says what it should not ----

  void failed(Watched&) override {}
  void heard(Watched& socket) override;

 private:
  struct Peer {
    explicit Peer(EventLoop& loop) : changed(loop) {}
    PoolPolicy policy;
    std::vector<IdleLink> idle;  ///< the last used is last
    std::size_t dialling = 0;
    std::size_t busy = 0;
    std::uint64_t handshakes = 0;
    std::string last_error;
    bool retry_set = false;
    Gate changed;  ///< a link came, or a dial failed
    PublicKey key;
    std::optional<Endpoint> endpoint;
    std::uint64_t epoch = 1;  ///< another with each change of these two
  };

  [[nodiscard]] Peer& peer(const std::string& name);
  [[nodiscard]] std::unique_ptr<TunnelLink> pop_idle(Peer& peer);
  void add_idle(Peer& peer, std::unique_ptr<TunnelLink> link);
  /// Null, with a line in the log if it is to blame: it ended, or must close, and is closed.
  [[nodiscard]] std::unique_ptr<TunnelLink> if_quiet(const std::string& name,
                                                     std::unique_ptr<TunnelLink> link);
  /// Whether the other end is done with what the link carried: it has come to a PING behind that.
  [[nodiscard]] Task<bool> is_done(TunnelLink& link, Watched::Time deadline);
  /// Closes one that nobody wants any more, once the other end is done.
  Task<void> part(std::unique_ptr<TunnelLink> link);
  /// Gives one back once the other end is done.
  Task<void> give_back_done(std::string name, std::unique_ptr<TunnelLink> link);
  void give_back_now(const std::string& name, std::unique_ptr<TunnelLink> link);
  [[nodiscard]] bool wanted(const std::string& name, const TunnelLink& link);
  void drop_idle(Peer& peer);
  /// Of a peer whose key or place is another than before, nothing that was made for that is used.
  void follow(Peer& peer, const PegasusConfig::Peer* config);
  void retry_at(const std::string& name, Watched::Time when);
  Task<void> dial(std::string name, bool new_session);
  /// Every few seconds: links that ended are let go, those of the floor are asked.
  Task<void> tend();
  void tend(Peer& peer, bool needed);
  [[nodiscard]] bool needed(const std::string& name) const;

  Worker& worker_;
  std::map<std::string, std::unique_ptr<Peer>> peers_;
  std::unique_ptr<Gate> stopped_;
  bool stopping_ = false;
};

struct Dialled {
  std::unique_ptr<TunnelLink> link;  ///< null with a reason
  std::string reason;
  bool overloaded = false;  ///< it answers, but has too many to greet
  bool forgot = false;      ///< it answers, but our session is none of its any more
};
/// Dials a peer and makes a link: INIT for a new session, else HELLO. REQUIRES: it has an endpoint.
[[nodiscard]] Task<Dialled> dial_peer(Worker& worker, PegasusConfig::Peer peer,
                                      std::uint32_t own_mark, bool new_session);

}  // namespace arctic
