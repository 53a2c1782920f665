#include "runtime/tempest/peer.h"

#include <algorithm>
#include <utility>

namespace arctic {
namespace {

template <class Message>
TunnelPeer::Bytes bytes_from(const Message& message) {
  return {message.begin(), message.end()};
}

}  // namespace

TunnelPeer::TunnelPeer(std::shared_ptr<const LocalSide> local, const PublicKey& remote,
                       std::uint32_t device)
    : local_(std::move(local)), remote_(remote), device_(device), cookies_(remote) {}

TunnelPeer::~TunnelPeer() = default;

void TunnelPeer::set_keepalive(std::chrono::seconds interval, Time now) {
  keepalive_ = interval;
  timers_.set_persistent(interval, now);
  call_by(timers_.next());
}

void TunnelPeer::forget_local_address() {
  if (endpoint_) endpoint_->local.reset();
}

// ---- For workers ----

void TunnelPeer::call_by(Time when) {
  if (when < tended_until_) called_ = true;
}

bool TunnelPeer::take_call() {
  if (!called_) return false;
  called_ = false;
  tended_until_ = Time::zero();  // it is coming: nothing can be sooner
  return true;
}

std::optional<TunnelPeer::Way> TunnelPeer::way(Time now) const {
  if (!current_ || !endpoint_ || !current_->may_send(now)) return std::nullopt;
  return Way{current_, *endpoint_};
}

void TunnelPeer::stage(ByteView padded, Time now) {
  if (staged_.size() >= limits::kMostStaged) {
    staged_.pop_front();
    ++facts_.dropped_staged;
  }
  staged_.emplace_back(padded.begin(), padded.end());
  wants_session_ = true;
  call_by(now);
}

void TunnelPeer::sent(const Session& session, std::uint64_t bytes, bool data, Time now) {
  facts_.sent_bytes += bytes;
  timers_.sent(now);
  if (data) timers_.data_sent(now, local_->chance());
  if (session.wants_rekey(now)) {
    wants_session_ = true;
    if (!last_initiation_ || now - *last_initiation_ >= limits::kRekeyTimeout) call_by(now);
  }
  call_by(timers_.next());
}

void TunnelPeer::received(const SessionHandle& session, const PeerEndpoint& from,
                          std::uint64_t bytes, bool data, Time now) {
  facts_.received_bytes += bytes;
  endpoint_ = from;
  timers_.received(now);
  if (data) timers_.data_received(now);
  if (session == next_) confirm(now);
  constexpr auto kLastMinute =
      limits::kRejectAfterTime - limits::kKeepaliveTimeout - limits::kRekeyTimeout;
  if (!last_minute_ && session == current_ && session->is_initiator() &&
      session->age(now) >= kLastMinute) {
    last_minute_ = true;
    wants_session_ = true;
    call_by(now);
  }
  call_by(timers_.next());
}

/// The initiator has the keys: from now on we send by them, too.
void TunnelPeer::confirm(Time now) {
  // take_session() has dropped the previous one when this one came.
  previous_ = std::move(current_);
  current_ = std::move(next_);
  handshake_done(now);
  may_flush_ = true;
  call_by(now);
}

// ---- Sessions ----

void TunnelPeer::drop(SessionHandle& session, Actions& actions) {
  if (!session) return;
  local_->indices->remove(session->local_index());
  session->retire();
  session.reset();
  actions.retired = true;
}

void TunnelPeer::drop_attempt() {
  if (attempt_) local_->indices->remove(attempt_->index());
  attempt_.reset();
}

SessionHandle TunnelPeer::make_session(HandshakeKeys keys, std::uint32_t index, bool initiator,
                                       Time now) const {
  auto session = std::make_shared<Session>(Session::Parts{index, keys.remote_index, initiator, now,
                                                          std::move(keys.send),
                                                          std::move(keys.receive), local_->slots});
  local_->indices->set_session(index, session);
  return session;
}

void TunnelPeer::take_session(SessionHandle session, Actions& actions) {
  drop(previous_, actions);
  if (!session->is_initiator()) {
    drop(next_, actions);
    next_ = std::move(session);
    return;
  }
  // The answer confirms our keys at once. One that waits to be confirmed was made meanwhile, and
  // may be what the other end sends by.
  if (next_) {
    drop(current_, actions);
    previous_ = std::move(next_);
  } else {
    previous_ = std::move(current_);
  }
  current_ = std::move(session);
}

void TunnelPeer::handshake_done(Time now) {
  timers_.handshake_done();
  last_minute_ = false;
  wants_session_ = false;
  facts_.unanswered = 0;
  facts_.last_handshake = now;
  facts_.last_handshake_wall = local_->since_1970();
}

// ---- Handshakes ----

void TunnelPeer::initiate(Time now, Actions& actions) {
  timers_.session_wanted(now);
  try_again(now, actions);
}

void TunnelPeer::try_again(Time now, Actions& actions) {
  wants_session_ = false;
  if (!endpoint_) return;
  if (last_initiation_ && now - *last_initiation_ < limits::kRekeyTimeout) return;
  drop_attempt();
  last_initiation_ = now;
  const std::uint32_t index = local_->indices->add(shared_from_this());
  InitiationMessage message;
  attempt_ = Attempt::create(local_->own, remote_, index,
                             local_->timestamps->next(local_->since_1970()), message);
  if (!attempt_) return local_->indices->remove(index);
  cookies_.add_macs(message, now);
  timers_.initiation_sent(now, local_->chance());
  timers_.sent(now);
  facts_.sent_bytes += message.size();
  ++facts_.unanswered;
  actions.datagrams.push_back(bytes_from(message));
}

bool TunnelPeer::consume_initiation(Call& call, const PeerEndpoint& from, std::uint64_t bytes,
                                    Time now, Actions& actions) {
  if (last_time_ && call.time() <= *last_time_) return false;
  if (last_call_ && now - *last_call_ < limits::kInitiationInterval) return false;
  const std::uint32_t index = local_->indices->add(shared_from_this());
  ResponseMessage message;
  auto keys = call.answer(psk_, index, message);
  if (!keys) {
    local_->indices->remove(index);
    return false;
  }
  last_time_ = call.time();
  last_call_ = now;
  endpoint_ = from;
  facts_.received_bytes += bytes;
  take_session(make_session(std::move(*keys), index, false, now), actions);
  cookies_.add_macs(message, now);
  timers_.session_made(now);
  timers_.received(now);
  timers_.sent(now);
  facts_.sent_bytes += message.size();
  actions.datagrams.push_back(bytes_from(message));
  return true;
}

bool TunnelPeer::consume_response(ByteView message, const PeerEndpoint& from, Time now,
                                  Actions& actions) {
  if (!attempt_ || number32(message.data() + response::kReceiverAt) != attempt_->index()) {
    return false;
  }
  auto keys = attempt_->consume(message, psk_);
  if (!keys) return false;
  const std::uint32_t index = attempt_->index();
  attempt_.reset();  // its number becomes the session's
  endpoint_ = from;
  facts_.received_bytes += message.size();
  take_session(make_session(std::move(*keys), index, true, now), actions);
  timers_.session_made(now);
  timers_.received(now);
  handshake_done(now);
  // The other end may not send before it has seen that we have the keys.
  if (staged_.empty()) {
    send_by(*current_, {}, now, actions);
  } else {
    flush(now, actions);
  }
  return true;
}

bool TunnelPeer::consume_cookie_reply(ByteView message, Time now) {
  return attempt_ && cookies_.consume_reply(message, now);
}

// ---- What waits ----

void TunnelPeer::send_by(Session& session, ByteView packet, Time now, Actions& actions) {
  const auto counter = session.take_counters(1);
  if (!counter) return;
  Bytes datagram(packet.size() + data::kOverhead);
  std::copy(packet.begin(), packet.end(), datagram.begin() + data::kHeadBytes);
  session.seal(local_->slots - 1, *counter, datagram);
  sent(session, datagram.size(), !packet.empty(), now);
  actions.datagrams.push_back(std::move(datagram));
}

void TunnelPeer::flush(Time now, Actions& actions) {
  const auto by = way(now);
  if (!by) return;
  std::deque<Bytes> staged = std::exchange(staged_, {});
  for (const Bytes& packet : staged) send_by(*by->session, packet, now, actions);
}

void TunnelPeer::keep_alive(Time now, Actions& actions) {
  const auto by = way(now);
  if (!by) return initiate(now, actions);
  if (staged_.empty()) {
    send_by(*by->session, {}, now, actions);
  } else {
    flush(now, actions);
  }
}

void TunnelPeer::give_up(Actions& actions) {
  drop_attempt();
  for (Bytes& packet : std::exchange(staged_, {})) {
    actions.undeliverable.push_back(std::move(packet));
  }
}

// ---- Tended ----

TunnelPeer::Time TunnelPeer::tend(Time now, Actions& actions) {
  called_ = false;
  const Timers::Due due = timers_.take_due(now);
  if (due.give_up) give_up(actions);
  if (due.wipe) {
    drop_attempt();
    for (SessionHandle* const each : {&previous_, &current_, &next_}) drop(*each, actions);
  }
  if (std::exchange(may_flush_, false)) flush(now, actions);
  if (due.renew || due.retry) forget_local_address();
  if (due.retry) try_again(now, actions);
  if (wants_session_ || due.renew) initiate(now, actions);
  if (due.keepalive) keep_alive(now, actions);
  tended_until_ = timers_.next();
  return tended_until_;
}

void TunnelPeer::reset(Actions& actions) {
  drop_attempt();
  for (SessionHandle* const each : {&previous_, &current_, &next_}) drop(*each, actions);
  staged_.clear();
  timers_.stop();
  wants_session_ = may_flush_ = last_minute_ = false;
  last_initiation_.reset();
}

TunnelPeer::Facts TunnelPeer::facts(Time now) const {
  Facts facts = facts_;
  facts.keepalive = keepalive_;
  facts.has_session = current_ && current_->may_send(now);
  return facts;
}

}  // namespace arctic
