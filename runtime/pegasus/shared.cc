#include "runtime/pegasus/shared.h"

namespace arctic {

// ---- Limits ----

std::shared_ptr<const ServiceLimits> Limits::of(const std::string& service) {
  const std::lock_guard lock(mutex_);
  auto& found = services_[service];
  if (!found) found = std::make_shared<const ServiceLimits>();
  return found;
}

void Limits::set(const Running& running, Watched::Time now, const Running* but) {
  for (const auto& tunnel : running.config().tunnels) {
    const bool leave = but != nullptr && but->entry(tunnel.service) != nullptr;
    if (tunnel.role == PegasusConfig::Role::kEntry && !leave) {
      of(tunnel.service)->set_rate(tunnel.limit_mbps, now);
    }
  }
}

void Limits::keep_only(const Running& running) {
  const std::lock_guard lock(mutex_);
  std::erase_if(services_,
                [&](const auto& entry) { return running.entry(entry.first) == nullptr; });
}

// ---- Ceiling ----

bool Ceiling::enter(const std::string& service) {
  if (memory_full_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(mutex_);
  std::size_t& open = services_[service];
  if (open_ >= all_ || open >= per_service_) return false;
  ++open;
  ++open_;
  return true;
}

void Ceiling::leave(const std::string& service) {
  const std::lock_guard lock(mutex_);
  const auto at = services_.find(service);
  --open_;
  if (--at->second == 0) services_.erase(at);
}

}  // namespace arctic
