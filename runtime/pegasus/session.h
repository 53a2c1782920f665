// Sessions between two nodes, and the first messages of their tunnel connections.
//
// INIT and RESP make a session (Noise IK); HELLO and ACCEPT make keys for one more connection of it
// without public-key work. Called by dialer and listener of the shell; bytes and `now` in, bytes
// out. Who may be a peer, limits per source and the sockets are the caller's. Nothing here acts on
// an unconfirmed peer: the responder's session counts only after the initiator's first record.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "runtime/crypto/blake2s.h"
#include "runtime/crypto/noise.h"
#include "runtime/pegasus/record.h"

namespace arctic {

inline constexpr std::uint8_t kInitType = 1, kRespType = 2, kHelloType = 3, kAcceptType = 4;
inline constexpr std::size_t kInitBytes = 113, kRespBytes = 49, kHelloBytes = 65, kAcceptBytes = 49;
inline constexpr std::chrono::seconds kSessionUse{120};    ///< the initiator uses it that long
inline constexpr std::chrono::seconds kSessionRenew{100};  ///< and renews it from then on if used
inline constexpr std::chrono::seconds kSessionKeep{180};   ///< the responder takes HELLO that long

using SessionId = std::array<std::uint8_t, 16>;

struct Session {
  SessionId id{};
  Key secret;
  PublicKey remote;
  Time born{};
};

struct NewSession {
  Session session;
  ConnectionKeys keys;  ///< of the connection that carried INIT
};

/// The initiator's INIT and what it must keep until RESP.
class InitAttempt {
 public:
  /// nullopt if `remote` is of low order.
  [[nodiscard]] static std::optional<InitAttempt> make(const KeyPair& own, const PublicKey& remote);
  [[nodiscard]] const std::array<std::uint8_t, kInitBytes>& bytes() const { return bytes_; }
  /// Spends the attempt.
  [[nodiscard]] std::optional<NewSession> consume_resp(ByteView resp, Time now);

 private:
  explicit InitAttempt(NoiseHandshake noise);

  NoiseHandshake noise_;
  std::array<std::uint8_t, kInitBytes> bytes_{};
};

/// Responder: type, size and mac1 are right. Cheap; REQUIRED before consume_init.
[[nodiscard]] bool good_init(const PublicKey& own, ByteView init);
struct InitAnswer {
  std::array<std::uint8_t, kRespBytes> resp;
  NewSession made;
};
/// Responder: nullopt if it is not authentic. Whether made.session.remote is a peer is for the
/// caller to look up before it sends RESP.
[[nodiscard]] std::optional<InitAnswer> consume_init(const KeyPair& own, ByteView init, Time now);

using Hello = std::array<std::uint8_t, kHelloBytes>;
using Accept = std::array<std::uint8_t, kAcceptBytes>;
[[nodiscard]] Hello make_hello(const Session& session);
/// The session id that a HELLO names. REQUIRES: kHelloBytes.
[[nodiscard]] SessionId session_of(ByteView hello);
struct HelloAnswer {
  Accept accept;
  ConnectionKeys keys;
};
/// Responder: nullopt if the tag does not fit.
[[nodiscard]] std::optional<HelloAnswer> consume_hello(const Session& session, ByteView hello);
/// Initiator.
[[nodiscard]] std::optional<ConnectionKeys> consume_accept(const Session& session,
                                                           const Hello& hello, ByteView accept);

}  // namespace arctic
