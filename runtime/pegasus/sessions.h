// All sessions of the process: those that we began, by peer, and those that peers began, by id.
//
// Shared by the workers and asked only when a tunnel connection is made, never while one moves
// data. Thread-safe. A session of ours is used for 120 s and renewed from 100 s on; a peer's is
// kept for 180 s and then wiped. What uses one holds it, so that it lives as long as it is needed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "runtime/pegasus/session.h"

namespace arctic {

using SessionHandle = std::shared_ptr<const Session>;

class Sessions {
 public:
  explicit Sessions(KeyPair own) : own_(std::move(own)) {}

  [[nodiscard]] const KeyPair& own() const { return own_; }

  /// Ours with this peer; null if there is none or it is too old to be used.
  [[nodiscard]] SessionHandle with(const PublicKey& peer, Time now) const;
  /// A peer's; null if it is unknown or too old.
  [[nodiscard]] SessionHandle by_id(const SessionId& id, Time now) const;

  /// Whether the caller is to begin a session with this peer: there is none, or it is to be
  /// renewed, and nobody else is at it. Whoever got true says done().
  [[nodiscard]] bool begin(const PublicKey& peer, Time now);
  void done(const PublicKey& peer);
  /// Wipes what has become too old. To be called now and then: nobody may come to ask.
  void forget_old(Time now);
  /// Wipes what belongs to peers that are not among these.
  void keep_only(const std::vector<PublicKey>& peers);

  /// `session` replaces the one before with that peer. Adding wipes what has become too old.
  void add_ours(SessionHandle session);
  void add_theirs(SessionHandle session);
  /// The peer does not take HELLO of this one any more: it restarted, or forgot us.
  void drop_ours(const SessionHandle& session);

 private:
  /// Drops what is too old at `now`. REQUIRES: the lock is held.
  void tidy(Time now);

  KeyPair own_;
  mutable std::mutex mutex_;
  std::map<PublicKey, SessionHandle> ours_;
  std::map<SessionId, SessionHandle> theirs_;
  std::set<PublicKey> begun_;
};

}  // namespace arctic
