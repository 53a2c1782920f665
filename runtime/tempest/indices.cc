#include "runtime/tempest/indices.h"

#include <utility>

#include "runtime/crypto/blake2s.h"

namespace arctic {

std::uint32_t Indices::add(std::shared_ptr<TunnelPeer> peer) {
  const std::lock_guard lock(mutex_);
  for (;;) {
    std::uint8_t bytes[4];
    fill_random(bytes);
    const std::uint32_t index = number32(bytes);
    if (all_.try_emplace(index, Found{peer, nullptr}).second) return index;
  }
}

void Indices::set_session(std::uint32_t index, SessionHandle session) {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(index);
  if (found != all_.end()) found->second.session = std::move(session);
}

void Indices::remove(std::uint32_t index) {
  const std::lock_guard lock(mutex_);
  all_.erase(index);
}

Indices::Found Indices::find(std::uint32_t index) const {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(index);
  return found == all_.end() ? Found{} : found->second;
}

std::size_t Indices::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

}  // namespace arctic
