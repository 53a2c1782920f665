#include "runtime/crypto/noise.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "runtime/crypto/aead.h"

namespace arctic {
namespace {

constexpr std::size_t kPointBytes = 32;
constexpr std::size_t kSealedPointBytes = kPointBytes + kTagBytes;

PublicKey point_of(ByteView bytes) {
  PublicKey point;
  std::copy_n(bytes.begin(), kPointBytes, point.bytes.begin());
  return point;
}

}  // namespace

std::optional<Key> x25519(const Key& secret, const PublicKey& point) {
  Key shared;
  if (crypto_scalarmult_curve25519(shared.bytes().data(), secret.view().data(),
                                   point.bytes.data()) != 0) {
    return std::nullopt;
  }
  return shared;
}

KeyPair KeyPair::generate() {
  Key secret;
  fill_random(secret.bytes());
  return of(secret.view());
}

KeyPair KeyPair::of(ByteView secret) {
  KeyPair pair{Key(secret), {}};
  crypto_scalarmult_curve25519_base(pair.point.bytes.data(), secret.data());
  return pair;
}

// ---- Beginning: Initialize(), and the pre-message, the responder's static key ----

NoiseHandshake::NoiseHandshake(const Options& options, const KeyPair& own,
                               const PublicKey& responder, std::optional<KeyPair> ephemeral)
    : own_(own.clone()), ephemeral_(std::move(ephemeral)) {
  if (options.psk != nullptr) psk_ = options.psk->clone();
  const std::string_view name =
      psk_ ? "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s" : "Noise_IK_25519_ChaChaPoly_BLAKE2s";
  // Names longer than a hash are hashed, shorter ones padded; both of these are longer.
  hash_ = blake2s({bytes_of(name)});
  chaining_key_ = Key(hash_);
  mix_hash(options.prologue);
  mix_hash(responder.bytes);
}

NoiseHandshake NoiseHandshake::initiator(const Options& options, const KeyPair& own,
                                         const PublicKey& remote,
                                         std::optional<KeyPair> ephemeral) {
  NoiseHandshake handshake(options, own, remote, std::move(ephemeral));
  handshake.remote_ = remote;
  return handshake;
}

NoiseHandshake NoiseHandshake::responder(const Options& options, const KeyPair& own,
                                         std::optional<KeyPair> ephemeral) {
  return NoiseHandshake(options, own, own.point, std::move(ephemeral));
}

NoiseHandshake NoiseHandshake::clone() const {
  NoiseHandshake copy;
  copy.chaining_key_ = chaining_key_.clone();
  copy.hash_ = hash_;
  copy.key_ = key_.clone();
  copy.counter_ = counter_;
  copy.own_ = own_.clone();
  if (ephemeral_) copy.ephemeral_ = ephemeral_->clone();
  copy.remote_ = remote_;
  copy.remote_ephemeral_ = remote_ephemeral_;
  if (psk_) copy.psk_ = psk_->clone();
  return copy;
}

// ---- SymmetricState ----

void NoiseHandshake::mix_hash(ByteView bytes) { hash_ = blake2s({hash_, bytes}); }

void NoiseHandshake::mix_key(ByteView input) {
  Key next;
  hkdf(chaining_key_.view(), input, {&next, &key_});
  chaining_key_ = std::move(next);
  counter_ = 0;
}

void NoiseHandshake::mix_psk() {
  Key next, mixed;
  hkdf(chaining_key_.view(), psk_->view(), {&next, &mixed, &key_});
  chaining_key_ = std::move(next);
  mix_hash(mixed.view());
  counter_ = 0;
}

bool NoiseHandshake::mix_dh(const Key& secret, const PublicKey& point) {
  const std::optional<Key> shared = x25519(secret, point);
  if (!shared) return false;
  mix_key(shared->view());
  return true;
}

void NoiseHandshake::encrypt(ByteView text, Message& out) {
  const std::size_t begin = out.size();
  out.insert(out.end(), text.begin(), text.end());
  out.resize(out.size() + kTagBytes);
  const ByteSpan place(out.data() + begin, text.size());
  Sealer(key_).seal(counter_++, hash_, place, out.data() + begin + text.size());
  mix_hash(ByteView(out).subspan(begin));
}

std::optional<NoiseHandshake::Message> NoiseHandshake::decrypt(ByteView sealed) {
  Message text(sealed.begin(), sealed.end() - kTagBytes);
  if (!Opener(key_).open(counter_++, hash_, text, sealed.data() + text.size())) {
    return std::nullopt;
  }
  mix_hash(sealed);
  return text;
}

// With a psk in the pattern every e is mixed into the key too (Noise, 9.2).
void NoiseHandshake::create_ephemeral(Message& out) {
  if (!ephemeral_) ephemeral_ = KeyPair::generate();
  const auto& point = ephemeral_->point.bytes;
  out.insert(out.end(), point.begin(), point.end());
  mix_hash(point);
  if (psk_) mix_key(point);
}

void NoiseHandshake::consume_ephemeral(ByteView point) {
  remote_ephemeral_ = point_of(point);
  mix_hash(point);
  if (psk_) mix_key(point);
}

// ---- Messages, token by token ----

std::optional<NoiseHandshake::Message> NoiseHandshake::create_first(ByteView payload) {
  Message out;
  create_ephemeral(out);                                          // e
  if (!mix_dh(ephemeral_->secret, remote_)) return std::nullopt;  // es
  encrypt(own_.point.bytes, out);                                 // s
  if (!mix_dh(own_.secret, remote_)) return std::nullopt;         // ss
  encrypt(payload, out);
  return out;
}

std::optional<NoiseHandshake::Message> NoiseHandshake::consume_first(ByteView message) {
  if (message.size() < kPointBytes + kSealedPointBytes + kTagBytes) return std::nullopt;
  consume_ephemeral(message.first(kPointBytes));                                 // e
  if (!mix_dh(own_.secret, remote_ephemeral_)) return std::nullopt;              // es
  const auto remote = decrypt(message.subspan(kPointBytes, kSealedPointBytes));  // s
  if (!remote) return std::nullopt;
  remote_ = point_of(*remote);
  if (!mix_dh(own_.secret, remote_)) return std::nullopt;  // ss
  return decrypt(message.subspan(kPointBytes + kSealedPointBytes));
}

std::optional<NoiseHandshake::Message> NoiseHandshake::create_second(ByteView payload) {
  Message out;
  create_ephemeral(out);                                                    // e
  if (!mix_dh(ephemeral_->secret, remote_ephemeral_)) return std::nullopt;  // ee
  if (!mix_dh(ephemeral_->secret, remote_)) return std::nullopt;            // se
  if (psk_) mix_psk();
  encrypt(payload, out);
  return out;
}

std::optional<NoiseHandshake::Message> NoiseHandshake::consume_second(ByteView message) {
  if (message.size() < kPointBytes + kTagBytes) return std::nullopt;
  consume_ephemeral(message.first(kPointBytes));                            // e
  if (!mix_dh(ephemeral_->secret, remote_ephemeral_)) return std::nullopt;  // ee
  if (!mix_dh(own_.secret, remote_ephemeral_)) return std::nullopt;         // se
  if (psk_) mix_psk();
  return decrypt(message.subspan(kPointBytes));
}

void NoiseHandshake::split(Key& to_responder, Key& to_initiator) const {
  hkdf(chaining_key_.view(), {}, {&to_responder, &to_initiator});
}

}  // namespace arctic
