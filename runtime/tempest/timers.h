// When a peer has to act without being asked: the five timers of a peer, by what sets and stops
// them.
//
// Every peer has one. It is told what happened, and asked at next() what is due. Pure: time is
// handed in, and so is chance. Reference: WireGuard whitepaper, 6.1 to 6.5.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/tempest/messages.h"

namespace arctic {

class Timers {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr Time kNever = Time::max();

  /// Zero to 1.
  using Chance = double;

  /// Zero: none. A change is due at once, as if the old one were over.
  void set_persistent(std::chrono::seconds interval, Time now);

  // ---- What happened ----

  /// Somebody wants a session: trying goes on for a while from now.
  void session_wanted(Time now) { wanted_ = now; }
  /// An initiation went.
  void initiation_sent(Time now, Chance chance);
  /// The session that an initiation asked for is there.
  void handshake_done();
  /// Keys were made, of whichever side.
  void session_made(Time now);
  /// A datagram with a packet in it went.
  void data_sent(Time now, Chance chance);
  /// A datagram with a packet in it came.
  void data_received(Time now);
  /// Anything that the other end can tell to be from us, went.
  void sent(Time now);
  /// Anything that is surely from it, came.
  void received(Time now);

  // ---- What is due ----

  struct Due {
    bool retry = false;      ///< the initiation was not answered: send another
    bool give_up = false;    ///< nor were all the others
    bool renew = false;      ///< nothing came back for what was sent: make a new session
    bool keepalive = false;  ///< nothing went back for what came: send an empty packet
    bool wipe = false;       ///< the keys are too old for anything
  };
  /// The earliest of all; kNever if nothing is to come.
  [[nodiscard]] Time next() const;
  /// Stops what it reports, but for what comes again and again.
  [[nodiscard]] Due take_due(Time now);
  /// All of them: the peer is removed, or its device down.
  void stop();

 private:
  std::chrono::seconds persistent_{0};
  Time retry_at_ = kNever;
  Time keepalive_at_ = kNever;
  Time renew_at_ = kNever;
  Time wipe_at_ = kNever;
  Time persistent_at_ = kNever;
  Time wanted_{};
};

}  // namespace arctic
