#include "runtime/tempest/roster.h"

#include <utility>

namespace arctic {

Roster::~Roster() {
  TunnelPeer::Actions actions;
  while (!peers_.empty()) remove(PublicKey(peers_.begin()->first), actions);
}

PeerHandle Roster::add(const PublicKey& key, std::uint32_t device) {
  PeerHandle& peer = peers_[key];
  if (!peer) peer = std::make_shared<TunnelPeer>(local_, key, device);
  return peer;
}

PeerHandle Roster::find(const PublicKey& key) const {
  const auto found = peers_.find(key);
  return found == peers_.end() ? nullptr : found->second;
}

void Roster::remove(const PublicKey& key, TunnelPeer::Actions& actions) {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return;
  {
    const auto lock = found->second->lock();
    found->second->reset(actions);
  }
  peers_.erase(found);
}

Roster::Outcome Roster::consume(ByteView message, const PeerEndpoint& from, Time now) {
  switch (message_type(message).value_or(MessageType::kData)) {
    case MessageType::kInitiation:
      return consume_initiation(message, from, now);
    case MessageType::kResponse:
      return consume_response(message, from, now);
    case MessageType::kCookieReply:
      return consume_cookie_reply(message, now);
    case MessageType::kData:
      break;
  }
  return {nullptr, Drop::kNoMessage, {}};
}

Roster::Outcome Roster::consume_initiation(ByteView message, const PeerEndpoint& from, Time now) {
  auto call = Call::consume(local_->own, message);
  if (!call) return {nullptr, Drop::kForgedHandshake, {}};
  Outcome out;
  out.peer = find(call->remote());
  if (!out.peer) return {nullptr, Drop::kUnknownPeer, {}};
  const auto lock = out.peer->lock();
  if (!out.peer->consume_initiation(*call, from, message.size(), now, out.actions)) {
    out.drop = Drop::kOldHandshake;
  }
  return out;
}

Roster::Outcome Roster::consume_response(ByteView message, const PeerEndpoint& from, Time now) {
  Outcome out;
  out.peer = local_->indices->find(number32(message.data() + response::kReceiverAt)).peer;
  if (!out.peer) return {nullptr, Drop::kUnknownIndex, {}};
  const auto lock = out.peer->lock();
  if (!out.peer->consume_response(message, from, now, out.actions)) {
    out.drop = Drop::kForgedHandshake;
  }
  return out;
}

Roster::Outcome Roster::consume_cookie_reply(ByteView message, Time now) {
  Outcome out;
  out.peer = local_->indices->find(number32(message.data() + cookie_reply::kReceiverAt)).peer;
  if (!out.peer) return {nullptr, Drop::kUnknownIndex, {}};
  const auto lock = out.peer->lock();
  if (!out.peer->consume_cookie_reply(message, now)) out.drop = Drop::kForgedHandshake;
  return out;
}

}  // namespace arctic
