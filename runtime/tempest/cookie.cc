#include "runtime/tempest/cookie.h"

#include <algorithm>

#include "runtime/crypto/xchacha.h"

namespace arctic {
namespace {

// A cookie is used for a while less than it is good for: it takes its time to get there.
constexpr std::chrono::seconds kCookieLatency{5};

Digest label_key(std::string_view label, const PublicKey& key) {
  return blake2s({bytes_of(label), key.bytes});
}

ByteView before_mac1(ByteView message) { return message.first(message.size() - kMacsBytes); }
ByteView before_mac2(ByteView message) { return message.first(message.size() - kMacBytes); }
ByteView mac1_of(ByteView message) {
  return message.subspan(message.size() - kMacsBytes, kMacBytes);
}
ByteView mac2_of(ByteView message) { return message.last(kMacBytes); }

}  // namespace

CookieChecker::CookieChecker(const PublicKey& own)
    : mac1_key_(label_key("mac1----", own)), cookie_key_(label_key("cookie--", own)) {}

bool CookieChecker::has_mac1(ByteView message) const {
  return equal_constant_time(blake2s_mac(mac1_key_, {before_mac1(message)}), mac1_of(message));
}

Mac CookieChecker::cookie_of(const Source& from, Time now) {
  if (!secret_made_ || now - *secret_made_ >= limits::kCookieTime) {
    fill_random(secret_.bytes());
    secret_made_ = now;
  }
  const auto address = from.address.bytes();
  const std::uint8_t port[2] = {static_cast<std::uint8_t>(from.port >> 8),
                                static_cast<std::uint8_t>(from.port)};
  return blake2s_mac(secret_.view(), {ByteView(address).first(from.address.size()), port});
}

bool CookieChecker::has_mac2(ByteView message, const Source& from, Time now) {
  const Mac cookie = cookie_of(from, now);
  return equal_constant_time(blake2s_mac(cookie, {before_mac2(message)}), mac2_of(message));
}

CookieReply CookieChecker::create_reply(ByteView message, const Source& from, Time now) {
  CookieReply out{};
  put32(static_cast<std::uint32_t>(MessageType::kCookieReply), out.data());
  // Both kinds of message have their sender's index at one place.
  put32(number32(message.data() + initiation::kSenderAt), out.data() + cookie_reply::kReceiverAt);
  const ByteSpan nonce(out.data() + cookie_reply::kNonceAt, kXchachaNonceBytes);
  fill_random(nonce);
  const Mac cookie = cookie_of(from, now);
  xchacha_seal(cookie_key_, nonce, mac1_of(message), cookie, out.data() + cookie_reply::kCookieAt);
  return out;
}

CookieMaker::CookieMaker(const PublicKey& remote)
    : mac1_key_(label_key("mac1----", remote)), cookie_key_(label_key("cookie--", remote)) {}

void CookieMaker::add_macs(ByteSpan message, Time now) {
  const Mac mac1 = blake2s_mac(mac1_key_, {before_mac1(message)});
  std::copy(mac1.begin(), mac1.end(), message.end() - kMacsBytes);
  sent_ = mac1;
  Mac mac2{};
  if (cookie_came_ && now - *cookie_came_ < limits::kCookieTime - kCookieLatency) {
    mac2 = blake2s_mac(cookie_, {before_mac2(message)});
  }
  std::copy(mac2.begin(), mac2.end(), message.end() - kMacBytes);
}

bool CookieMaker::consume_reply(ByteView reply, Time now) {
  if (!sent_) return false;
  Mac cookie{};
  const ByteView nonce = reply.subspan(cookie_reply::kNonceAt, kXchachaNonceBytes);
  if (!xchacha_open(cookie_key_, nonce, *sent_, reply.subspan(cookie_reply::kCookieAt), cookie)) {
    return false;
  }
  cookie_ = cookie;
  cookie_came_ = now;
  sent_.reset();  // one answer a message
  return true;
}

}  // namespace arctic
