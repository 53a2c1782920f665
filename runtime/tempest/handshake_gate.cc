#include "runtime/tempest/handshake_gate.h"

namespace arctic {

bool HandshakeGate::may_reply(bool known, Time now) {
  if (known) return true;
  if (replies_since_ == Time::min() || now - replies_since_ >= std::chrono::seconds(1)) {
    replies_since_ = now;
    replies_ = 0;
  }
  return ++replies_ <= kRepliesToStrangers;
}

HandshakeGate::Verdict HandshakeGate::judge(ByteView message, const Source& from, bool loaded,
                                            bool known, Time now) {
  if (!cookies_.has_mac1(message)) return {Drop::kWrongMac1, {}};
  if (!loaded) return {};
  if (cookies_.has_mac2(message, from, now)) {
    if (limiter_.may(from.address, now)) return {};
    return {Drop::kTooOften, {}};
  }
  if (!may_reply(known, now)) return {Drop::kBusy, {}};
  return {Drop::kCookieSent, cookies_.create_reply(message, from, now)};
}

}  // namespace arctic
