#include "runtime/pegasus/shared.h"

#include <algorithm>

namespace arctic {
namespace {

bool has_entry(const PegasusConfig& config, const std::string& service) {
  return std::any_of(config.tunnels.begin(), config.tunnels.end(), [&](const auto& tunnel) {
    return tunnel.role == PegasusConfig::Role::kEntry && tunnel.service == service;
  });
}

}  // namespace

// ---- Limits ----

std::shared_ptr<const ServiceLimits> Limits::of(const std::string& service) {
  const std::lock_guard lock(mutex_);
  auto& found = services_[service];
  if (!found) found = std::make_shared<const ServiceLimits>();
  return found;
}

void Limits::set(const PegasusConfig& config, Watched::Time now) {
  for (const auto& tunnel : config.tunnels) {
    if (tunnel.role != PegasusConfig::Role::kEntry) continue;
    const auto limits = of(tunnel.service);
    limits->to_peer->set_rate(tunnel.limit_mbps, now);
    limits->from_peer->set_rate(tunnel.limit_mbps, now);
  }
}

void Limits::keep_only(const PegasusConfig& config) {
  const std::lock_guard lock(mutex_);
  std::erase_if(services_, [&](const auto& entry) { return !has_entry(config, entry.first); });
}

// ---- Ceiling ----

bool Ceiling::enter(const std::string& service) {
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
