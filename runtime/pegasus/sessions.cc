#include "runtime/pegasus/sessions.h"

#include <utility>

namespace arctic {

SessionHandle Sessions::with(const PublicKey& peer, Time now) const {
  const std::lock_guard lock(mutex_);
  const auto at = ours_.find(peer);
  if (at == ours_.end() || now - at->second->born >= kSessionUse) return nullptr;
  return at->second;
}

SessionHandle Sessions::by_id(const SessionId& id, Time now) const {
  const std::lock_guard lock(mutex_);
  const auto at = theirs_.find(id);
  if (at == theirs_.end() || now - at->second->born >= kSessionKeep) return nullptr;
  return at->second;
}

bool Sessions::begin(const PublicKey& peer, Time now) {
  const std::lock_guard lock(mutex_);
  const auto at = ours_.find(peer);
  if (at != ours_.end() && now - at->second->born < kSessionRenew) return false;
  return begun_.insert(peer).second;
}

void Sessions::done(const PublicKey& peer) {
  const std::lock_guard lock(mutex_);
  begun_.erase(peer);
}

void Sessions::forget_old(Time now) {
  const std::lock_guard lock(mutex_);
  tidy(now);
}

void Sessions::keep_only(const std::vector<PublicKey>& peers) {
  const std::set<PublicKey> kept(peers.begin(), peers.end());
  const std::lock_guard lock(mutex_);
  std::erase_if(ours_, [&](const auto& entry) { return kept.count(entry.first) == 0; });
  std::erase_if(theirs_, [&](const auto& entry) { return kept.count(entry.second->remote) == 0; });
}

void Sessions::add_ours(SessionHandle session) {
  const std::lock_guard lock(mutex_);
  tidy(session->born);
  ours_[session->remote] = std::move(session);
}

void Sessions::add_theirs(SessionHandle session) {
  const std::lock_guard lock(mutex_);
  tidy(session->born);
  theirs_[session->id] = std::move(session);
}

void Sessions::drop_ours(const SessionHandle& session) {
  const std::lock_guard lock(mutex_);
  const auto at = ours_.find(session->remote);
  if (at != ours_.end() && at->second == session) ours_.erase(at);
}

void Sessions::tidy(Time now) {
  std::erase_if(ours_, [&](const auto& entry) { return now - entry.second->born >= kSessionUse; });
  std::erase_if(theirs_,
                [&](const auto& entry) { return now - entry.second->born >= kSessionKeep; });
}

}  // namespace arctic
