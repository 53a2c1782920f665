// Noise handshakes IK and IKpsk2 with 25519, ChaChaPoly and BLAKE2s (revision 34).
//
// The cores of both runtimes drive them: Pegasus with IK, Tempest's WireGuard handshake with
// IKpsk2. Bytes in, bytes out; no clock, no socket. After a message that is not authentic the
// object is spent and must be dropped; nothing else was changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/crypto/blake2s.h"
#include "runtime/crypto/keys.h"
#include "runtime/crypto/secret.h"
#include "schema/base/key.h"

namespace arctic {

/// X25519 (RFC 7748); nullopt if the result is all zero, as it is for points of low order.
[[nodiscard]] std::optional<Key> x25519(const Key& secret, const PublicKey& point);

struct KeyPair {
  Key secret;
  PublicKey point;

  [[nodiscard]] static KeyPair generate();
  [[nodiscard]] static KeyPair of(ByteView secret);  ///< REQUIRES: 32 bytes
  [[nodiscard]] KeyPair clone() const { return {secret.clone(), point}; }
};

class NoiseHandshake {
 public:
  using Message = std::vector<std::uint8_t>;

  /// With a `psk` the pattern is IKpsk2, else IK.
  struct Options {
    ByteView prologue;
    const Key* psk = nullptr;
  };
  /// `ephemeral` is given by test vectors alone; else it is made when it is needed.
  [[nodiscard]] static NoiseHandshake initiator(const Options& options, const KeyPair& own,
                                                const PublicKey& remote,
                                                std::optional<KeyPair> ephemeral = {});
  [[nodiscard]] static NoiseHandshake responder(const Options& options, const KeyPair& own,
                                                std::optional<KeyPair> ephemeral = {});

  /// Another psk than the one it was made with: a responder may know it only after the first
  /// message. REQUIRES: made with one; before the second message.
  void set_psk(const Key& psk) { psk_ = psk.clone(); }
  /// So that a message can be tried without spending the original.
  [[nodiscard]] NoiseHandshake clone() const;

  // ---- First message: e, es, s, ss, payload; 96 bytes and the payload ----

  /// nullopt if the remote key is of low order.
  [[nodiscard]] std::optional<Message> create_first(ByteView payload);
  /// The payload, after which remote() is who sent it; nullopt if it is not authentic.
  [[nodiscard]] std::optional<Message> consume_first(ByteView message);

  // ---- Second message: e, ee, se, (psk,) payload; 48 bytes and the payload ----

  [[nodiscard]] std::optional<Message> create_second(ByteView payload);
  [[nodiscard]] std::optional<Message> consume_second(ByteView message);

  // ---- After the second message ----

  [[nodiscard]] const PublicKey& remote() const { return remote_; }
  [[nodiscard]] const Key& chaining_key() const { return chaining_key_; }
  [[nodiscard]] const Digest& hash() const { return hash_; }
  /// Noise's Split().
  void split(Key& to_responder, Key& to_initiator) const;

 private:
  NoiseHandshake() = default;
  NoiseHandshake(const Options& options, const KeyPair& own, const PublicKey& responder,
                 std::optional<KeyPair> ephemeral);

  void mix_hash(ByteView bytes);
  void mix_key(ByteView input);
  void mix_psk();
  [[nodiscard]] bool mix_dh(const Key& secret, const PublicKey& point);
  void encrypt(ByteView text, Message& out);
  [[nodiscard]] std::optional<Message> decrypt(ByteView sealed);
  void create_ephemeral(Message& out);
  void consume_ephemeral(ByteView point);

  Key chaining_key_;
  Digest hash_{};
  Key key_;
  std::uint64_t counter_ = 0;
  KeyPair own_;
  std::optional<KeyPair> ephemeral_;
  PublicKey remote_;
  PublicKey remote_ephemeral_;
  std::optional<Key> psk_;
};

}  // namespace arctic
