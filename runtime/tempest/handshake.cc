#include "runtime/tempest/handshake.h"

#include <algorithm>
#include <utility>

namespace arctic {
namespace {

constexpr std::string_view kPrologue = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/// Who is called is known only by the first message, and with it the pre-shared key: the pattern
/// has one from the beginning.
NoiseHandshake::Options options(const Key& psk) { return {bytes_of(kPrologue), &psk}; }

const Key& no_psk() {
  static const Key kZero;
  return kZero;
}

}  // namespace

std::optional<Attempt> Attempt::create(const KeyPair& own, const PublicKey& remote,
                                       std::uint32_t index, const Timestamp& time,
                                       InitiationMessage& out) {
  Attempt attempt(NoiseHandshake::initiator(options(no_psk()), own, remote), index);
  const auto noise = attempt.noise_.create_first(time);
  if (!noise) return std::nullopt;
  out.fill(0);
  put32(static_cast<std::uint32_t>(MessageType::kInitiation), out.data());
  put32(index, out.data() + initiation::kSenderAt);
  std::copy(noise->begin(), noise->end(), out.begin() + initiation::kNoiseAt);
  return attempt;
}

std::optional<HandshakeKeys> Attempt::consume(ByteView message, const Key& psk) const {
  NoiseHandshake noise = noise_.clone();  // a forged answer must not spend the real one's
  noise.set_psk(psk);
  const ByteView body = message.subspan(response::kNoiseAt, response::kNoiseBytes);
  if (!noise.consume_second(body)) return std::nullopt;
  HandshakeKeys keys;
  keys.remote_index = number32(message.data() + response::kSenderAt);
  noise.split(keys.send, keys.receive);
  return keys;
}

std::optional<Call> Call::consume(const KeyPair& own, ByteView message) {
  NoiseHandshake noise = NoiseHandshake::responder(options(no_psk()), own);
  const ByteView body = message.subspan(initiation::kNoiseAt, initiation::kNoiseBytes);
  const auto payload = noise.consume_first(body);
  if (!payload) return std::nullopt;
  Timestamp time;
  std::copy_n(payload->begin(), time.size(), time.begin());
  return Call(std::move(noise), number32(message.data() + initiation::kSenderAt), time);
}

std::optional<HandshakeKeys> Call::answer(const Key& psk, std::uint32_t index,
                                          ResponseMessage& out) {
  noise_.set_psk(psk);
  const auto noise = noise_.create_second({});
  if (!noise) return std::nullopt;
  out.fill(0);
  put32(static_cast<std::uint32_t>(MessageType::kResponse), out.data());
  put32(index, out.data() + response::kSenderAt);
  put32(sender_, out.data() + response::kReceiverAt);
  std::copy(noise->begin(), noise->end(), out.begin() + response::kNoiseAt);
  HandshakeKeys keys;
  keys.remote_index = sender_;
  noise_.split(keys.receive, keys.send);
  return keys;
}

}  // namespace arctic
