// The peers of an identity by their keys, and who of them a handshake message is for.
//
// The control thread hands it what the workers let in. Nothing here is touched by data. Not
// thread-safe; the peers in it are locked for the time of a call.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "runtime/tempest/drops.h"
#include "runtime/tempest/peer.h"

namespace arctic {

class Roster {
 public:
  using Time = std::chrono::nanoseconds;

  explicit Roster(std::shared_ptr<const LocalSide> local) : local_(std::move(local)) {}
  /// No number leads to any of its peers afterwards.
  ~Roster();
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  [[nodiscard]] const std::shared_ptr<const LocalSide>& local() const { return local_; }
  /// The peer of that key, made if it is not there.
  PeerHandle add(const PublicKey& key, std::uint32_t device);
  [[nodiscard]] PeerHandle find(const PublicKey& key) const;
  /// What is left of it is in `actions`.
  void remove(const PublicKey& key, TunnelPeer::Actions& actions);
  [[nodiscard]] const std::map<PublicKey, PeerHandle>& all() const { return peers_; }

  struct Outcome {
    PeerHandle peer;           ///< whose it was; null if it was dropped
    std::optional<Drop> drop;  ///< absent: it was consumed
    TunnelPeer::Actions actions;
  };
  /// REQUIRES: a message of its type's size that is no data.
  [[nodiscard]] Outcome consume(ByteView message, const PeerEndpoint& from, Time now);

 private:
  [[nodiscard]] Outcome consume_initiation(ByteView message, const PeerEndpoint& from, Time now);
  [[nodiscard]] Outcome consume_response(ByteView message, const PeerEndpoint& from, Time now);
  [[nodiscard]] Outcome consume_cookie_reply(ByteView message, Time now);

  std::shared_ptr<const LocalSide> local_;
  std::map<PublicKey, PeerHandle> peers_;
};

}  // namespace arctic
