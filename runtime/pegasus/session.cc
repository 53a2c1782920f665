#include "runtime/pegasus/session.h"

#include <algorithm>
#include <utility>

namespace arctic {
namespace {

constexpr std::string_view kPrologue = "arctic pegasus 1";
constexpr std::size_t kMacBytes = 16;
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kIdAt = 1;
constexpr std::size_t kHelloRandomAt = kIdAt + 16;
constexpr std::size_t kHelloTagAt = kHelloRandomAt + kRandomBytes;
constexpr std::size_t kAcceptTagAt = 1 + kRandomBytes;

Digest mac1_key(const PublicKey& responder) {
  return blake2s({bytes_of("arctic mac1"), responder.bytes});
}

Mac mac1(const PublicKey& responder, ByteView covered) {
  return blake2s_mac(mac1_key(responder), {covered});
}

/// (chaining, key i→r, key r→i) = HKDF(secret, "conn" ‖ transcript, 3)
ConnectionKeys connection_keys(const Key& secret, const Digest& transcript) {
  std::array<std::uint8_t, 4 + 32> input;
  const ByteView label = bytes_of("conn");
  std::copy(transcript.begin(), transcript.end(),
            std::copy(label.begin(), label.end(), input.begin()));
  ConnectionKeys keys;
  hkdf(secret.view(), input, {&keys.chaining, &keys.to_responder, &keys.to_initiator});
  return keys;
}

NewSession session_of(const NoiseHandshake& noise, Time now) {
  NewSession made;
  Digest secret = hmac(noise.chaining_key().view(), {bytes_of("session"), noise.hash()});
  made.session.secret = Key(secret);
  const Digest id = hmac(secret, {bytes_of("id")});
  std::copy_n(id.begin(), made.session.id.size(), made.session.id.begin());
  wipe(secret.data(), secret.size());
  made.session.remote = noise.remote();
  made.session.born = now;
  made.keys = connection_keys(made.session.secret, noise.hash());
  return made;
}

Mac tag_of(const Key& secret, std::string_view label, ByteView first, ByteView second = {}) {
  const Digest whole = hmac(secret.view(), {bytes_of(label), first, second});
  Mac tag;
  std::copy_n(whole.begin(), tag.size(), tag.begin());
  return tag;
}

}  // namespace

// ---- INIT and RESP ----

InitAttempt::InitAttempt(NoiseHandshake noise) : noise_(std::move(noise)) {}

std::optional<InitAttempt> InitAttempt::make(const KeyPair& own, const PublicKey& remote) {
  InitAttempt attempt(NoiseHandshake::initiator({bytes_of(kPrologue)}, own, remote));
  const auto message = attempt.noise_.create_first({});
  if (!message) return std::nullopt;
  attempt.bytes_[0] = kInitType;
  std::copy(message->begin(), message->end(), attempt.bytes_.begin() + 1);
  const ByteView covered = ByteView(attempt.bytes_).first(kInitBytes - kMacBytes);
  const Mac mac = mac1(remote, covered);
  std::copy(mac.begin(), mac.end(), attempt.bytes_.end() - kMacBytes);
  return attempt;
}

std::optional<NewSession> InitAttempt::consume_resp(ByteView resp, Time now) {
  if (resp.size() != kRespBytes || resp[0] != kRespType) return std::nullopt;
  if (!noise_.consume_second(resp.subspan(1))) return std::nullopt;
  return session_of(noise_, now);
}

bool good_init(const PublicKey& own, ByteView init) {
  if (init.size() != kInitBytes || init[0] != kInitType) return false;
  const ByteView covered = init.first(kInitBytes - kMacBytes);
  return equal_constant_time(mac1(own, covered), init.last(kMacBytes));
}

std::optional<InitAnswer> consume_init(const KeyPair& own, ByteView init, Time now) {
  NoiseHandshake noise = NoiseHandshake::responder({bytes_of(kPrologue)}, own);
  const auto payload = noise.consume_first(init.subspan(1, kInitBytes - 1 - kMacBytes));
  if (!payload || !payload->empty()) return std::nullopt;
  const auto message = noise.create_second({});
  if (!message) return std::nullopt;
  InitAnswer answer;
  answer.resp[0] = kRespType;
  std::copy(message->begin(), message->end(), answer.resp.begin() + 1);
  answer.made = session_of(noise, now);
  return answer;
}

// ---- HELLO and ACCEPT ----

Hello make_hello(const Session& session) {
  Hello hello;
  hello[0] = kHelloType;
  std::copy(session.id.begin(), session.id.end(), hello.begin() + kIdAt);
  fill_random(ByteSpan(hello).subspan(kHelloRandomAt, kRandomBytes));
  const Mac tag = tag_of(session.secret, "hello", ByteView(hello).first(kHelloTagAt));
  std::copy(tag.begin(), tag.end(), hello.begin() + kHelloTagAt);
  return hello;
}

SessionId session_of(ByteView hello) {
  SessionId id;
  std::copy_n(hello.begin() + kIdAt, id.size(), id.begin());
  return id;
}

std::optional<HelloAnswer> consume_hello(const Session& session, ByteView hello) {
  if (hello.size() != kHelloBytes || hello[0] != kHelloType) return std::nullopt;
  const Mac tag = tag_of(session.secret, "hello", hello.first(kHelloTagAt));
  if (!equal_constant_time(tag, hello.subspan(kHelloTagAt))) return std::nullopt;
  HelloAnswer answer;
  answer.accept[0] = kAcceptType;
  fill_random(ByteSpan(answer.accept).subspan(1, kRandomBytes));
  const Mac proof =
      tag_of(session.secret, "accept", hello, ByteView(answer.accept).first(kAcceptTagAt));
  std::copy(proof.begin(), proof.end(), answer.accept.begin() + kAcceptTagAt);
  answer.keys = connection_keys(session.secret, blake2s({hello, answer.accept}));
  return answer;
}

std::optional<ConnectionKeys> consume_accept(const Session& session, const Hello& hello,
                                             ByteView accept) {
  if (accept.size() != kAcceptBytes || accept[0] != kAcceptType) return std::nullopt;
  const Mac tag = tag_of(session.secret, "accept", hello, accept.first(kAcceptTagAt));
  if (!equal_constant_time(tag, accept.subspan(kAcceptTagAt))) return std::nullopt;
  return connection_keys(session.secret, blake2s({hello, accept}));
}

}  // namespace arctic
