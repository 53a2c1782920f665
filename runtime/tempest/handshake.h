// The handshake: one message each way, after which both ends have a session.
//
// Peers drive it. Messages come out without mac1 and mac2, which are cookie.h's, and go in with
// them. Pure: keys, indices and time labels are handed in. What is not authentic changes nothing.
// Reference: WireGuard whitepaper, 5.4.2 and 5.4.3 (Noise_IKpsk2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "runtime/crypto/noise.h"
#include "runtime/tempest/messages.h"
#include "runtime/tempest/timestamp.h"

namespace arctic {

using InitiationMessage = std::array<std::uint8_t, initiation::kBytes>;
using ResponseMessage = std::array<std::uint8_t, response::kBytes>;

/// What both ends know after a handshake.
struct HandshakeKeys {
  std::uint32_t remote_index = 0;
  Key send;
  Key receive;
};

/// The initiator's half, from its message until the answer.
class Attempt {
 public:
  /// nullopt if the remote key is of low order.
  [[nodiscard]] static std::optional<Attempt> create(const KeyPair& own, const PublicKey& remote,
                                                     std::uint32_t index, const Timestamp& time,
                                                     InitiationMessage& out);
  [[nodiscard]] std::uint32_t index() const { return index_; }
  /// nullopt if it is not authentic. REQUIRES: a response of its size.
  [[nodiscard]] std::optional<HandshakeKeys> consume(ByteView message, const Key& psk) const;

 private:
  Attempt(NoiseHandshake noise, std::uint32_t index) : noise_(std::move(noise)), index_(index) {}

  NoiseHandshake noise_;
  std::uint32_t index_;
};

/// The responder's half, from the other's message until its answer.
class Call {
 public:
  /// nullopt if it is not authentic. REQUIRES: an initiation of its size.
  [[nodiscard]] static std::optional<Call> consume(const KeyPair& own, ByteView message);
  [[nodiscard]] const PublicKey& remote() const { return noise_.remote(); }
  [[nodiscard]] const Timestamp& time() const { return time_; }
  /// Once. nullopt if the other's keys are of low order.
  [[nodiscard]] std::optional<HandshakeKeys> answer(const Key& psk, std::uint32_t index,
                                                    ResponseMessage& out);

 private:
  Call(NoiseHandshake noise, std::uint32_t sender, const Timestamp& time)
      : noise_(std::move(noise)), sender_(sender), time_(time) {}

  NoiseHandshake noise_;
  std::uint32_t sender_;
  Timestamp time_;
};

}  // namespace arctic
