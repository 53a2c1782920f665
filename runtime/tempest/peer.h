// One peer: its handshakes, its sessions, its timers, and what waits for a session.
//
// Workers ask it how to send and tell it what came; the control thread hands it handshake messages
// and tends it when it is due. Bytes and time in, datagrams out: it knows no socket and no clock.
// Whoever calls holds lock(), but where it says otherwise. Input that is not authentic changes
// nothing. Reference: WireGuard whitepaper, 5 and 6; names of timers as there.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/tempest/cookie.h"
#include "runtime/tempest/handshake.h"
#include "runtime/tempest/indices.h"
#include "runtime/tempest/session.h"
#include "runtime/tempest/timers.h"

namespace arctic {

/// Where a peer is, and from where we send to it.
struct PeerEndpoint {
  Source remote;
  std::uint32_t scope = 0;       ///< of a link-local address: the interface's index
  std::optional<Address> local;  ///< the address that it knows us by; absent: the kernel's choice
  friend bool operator==(const PeerEndpoint&, const PeerEndpoint&) = default;
};

/// What all peers of an identity share.
struct LocalSide {
  KeyPair own;
  std::shared_ptr<Indices> indices;
  std::shared_ptr<Timestamps> timestamps;
  std::size_t slots = 1;  ///< of sessions: one per worker, and the last for the control thread
  std::function<std::chrono::nanoseconds()> since_1970;
  std::function<double()> chance;  ///< zero to 1
};

class TunnelPeer : public std::enable_shared_from_this<TunnelPeer> {
 public:
  using Time = std::chrono::nanoseconds;
  using Bytes = std::vector<std::uint8_t>;

  /// `device` is the caller's number for where its packets come from and go to.
  TunnelPeer(std::shared_ptr<const LocalSide> local, const PublicKey& remote, std::uint32_t device);
  ~TunnelPeer();
  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  // Both without lock().
  [[nodiscard]] const PublicKey& remote() const { return remote_; }
  [[nodiscard]] std::uint32_t device() const { return device_; }

  // ---- What it is told to be ----

  void set_psk(const Key& psk) { psk_ = psk.clone(); }
  void set_keepalive(std::chrono::seconds interval, Time now);
  void set_endpoint(const PeerEndpoint& endpoint) { endpoint_ = endpoint; }
  [[nodiscard]] const std::optional<PeerEndpoint>& endpoint() const { return endpoint_; }
  /// The address it knows us by may be gone.
  void forget_local_address();

  // ---- For workers ----

  struct Way {
    SessionHandle session;
    PeerEndpoint endpoint;
  };
  /// nullopt: stage() what is to be sent.
  [[nodiscard]] std::optional<Way> way(Time now) const;
  /// Keeps a padded packet until there is a session; the oldest goes if there are too many.
  void stage(ByteView padded, Time now);
  /// So many bytes went by a session, some with a packet in them.
  void sent(const Session& session, std::uint64_t bytes, bool data, Time now);
  /// So many came: authentic, and not seen before.
  void received(const SessionHandle& session, const PeerEndpoint& from, std::uint64_t bytes,
                bool data, Time now);
  /// True once whenever there is something to do before what tend() said last.
  [[nodiscard]] bool take_call();

  // ---- For the control thread ----

  struct Actions {
    std::vector<Bytes> datagrams;      ///< to the endpoint, in this order
    std::vector<Bytes> undeliverable;  ///< packets that waited in vain
    bool retired = false;              ///< sessions went: whoever holds one is to look
  };
  /// Asks for a session, unless that was done a moment ago.
  void initiate(Time now, Actions& actions);
  /// Sends an empty packet, or asks for a session to send it by.
  void keep_alive(Time now, Actions& actions);
  /// False if it is a repetition, or too often; then nothing has changed.
  bool consume_initiation(Call& call, const PeerEndpoint& from, std::uint64_t bytes, Time now,
                          Actions& actions);
  /// False if it answers nothing of ours, or is not authentic.
  bool consume_response(ByteView message, const PeerEndpoint& from, Time now, Actions& actions);
  bool consume_cookie_reply(ByteView message, Time now);
  /// Does what is due; says when to come again. kNever: when take_call() says so.
  Time tend(Time now, Actions& actions);
  /// Forgets sessions, handshakes and what waits: as if it were new, but for its settings.
  void reset(Actions& actions);

  // ---- For people ----

  struct Facts {
    std::optional<Time> last_handshake;              ///< on the clock of `now`
    std::chrono::nanoseconds last_handshake_wall{};  ///< since 1970
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t dropped_staged = 0;
    std::chrono::seconds keepalive{};
    bool has_session = false;
    std::uint32_t unanswered = 0;  ///< initiations since it was last heard to take part in one
  };
  [[nodiscard]] Facts facts(Time now) const;
  [[nodiscard]] const Key& psk() const { return psk_; }

 private:
  void drop(SessionHandle& session, Actions& actions);
  void drop_attempt();
  void try_again(Time now, Actions& actions);
  void take_session(SessionHandle session, Actions& actions);
  void confirm(Time now);
  [[nodiscard]] SessionHandle make_session(HandshakeKeys keys, std::uint32_t index, bool initiator,
                                           Time now) const;
  void handshake_done(Time now);
  void send_by(Session& session, ByteView packet, Time now, Actions& actions);
  void flush(Time now, Actions& actions);
  void give_up(Actions& actions);
  void call_by(Time when);

  const std::shared_ptr<const LocalSide> local_;
  const PublicKey remote_;
  const std::uint32_t device_;
  mutable std::mutex mutex_;

  Key psk_;
  std::chrono::seconds keepalive_{0};
  std::optional<PeerEndpoint> endpoint_;

  CookieMaker cookies_;
  Timers timers_;
  std::optional<Attempt> attempt_;
  std::optional<Time> last_initiation_;
  std::optional<Time> last_call_;       ///< when an initiation of its was consumed
  std::optional<Timestamp> last_time_;  ///< the label in it
  SessionHandle previous_;
  SessionHandle current_;
  SessionHandle next_;  ///< until the initiator shows that it has the keys
  std::deque<Bytes> staged_;

  bool wants_session_ = false;
  bool may_flush_ = false;
  bool last_minute_ = false;  ///< a new session was asked for just before the keys are too old
  bool called_ = false;       ///< take_call() is to say so
  Time tended_until_ = Timers::kNever;
  Facts facts_;
};

using PeerHandle = std::shared_ptr<TunnelPeer>;

}  // namespace arctic
