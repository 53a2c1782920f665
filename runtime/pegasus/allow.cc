#include "runtime/pegasus/allow.h"

#include <algorithm>

namespace arctic {
namespace {

Prefix range(const char* text) { return *parse_prefix(text); }

bool takes(const std::optional<Prefix>& prefix, const Address& address) {
  return !prefix || prefix->contains(address);
}

/// The guarded range that the address lies in, if any; an own address is a range of itself.
std::optional<Prefix> guarded(const Address& address, const std::vector<Address>& own) {
  if (std::find(own.begin(), own.end(), address) != own.end()) {
    return network_of(address, address_bits(address.family));
  }
  for (const Prefix& each : guarded_ranges()) {
    if (each.contains(address)) return each;
  }
  return std::nullopt;
}

/// Whoever writes a `dest_cidr` within a guarded range means it.
bool meant(const PegasusConfig::Tunnel& tunnel, const Prefix& range) {
  return std::any_of(tunnel.allow.begin(), tunnel.allow.end(), [&](const auto& allow) {
    return allow.destination && range.contains(*allow.destination);
  });
}

}  // namespace

const std::vector<Prefix>& guarded_ranges() {
  static const std::vector<Prefix> kRanges = {
      range("0.0.0.0/8"), range("127.0.0.0/8"),   range("169.254.0.0/16"), range("224.0.0.0/3"),
      range("::/127"),    range("::ffff:0:0/96"), kLinkLocalIpv6,          range("ff00::/8")};
  return kRanges;
}

const char* to_string(Permission permission) {
  switch (permission) {
    case Permission::kAllowed:
      return "allowed";
    case Permission::kNoRoute:
      return "no route of the service allows it";
    case Permission::kGuarded:
      return "the destination is the exit's own, loopback, link-local or multicast";
    case Permission::kForgedSource:
      break;
  }
  return "the source is the exit's own, loopback, link-local or multicast";
}

Permission permission(const PegasusConfig::Tunnel& tunnel, const OpenFrame& open,
                      const std::vector<Address>& own) {
  const bool routed = std::any_of(tunnel.allow.begin(), tunnel.allow.end(), [&](const auto& allow) {
    return takes(allow.source, open.source) && takes(allow.destination, open.destination);
  });
  if (!routed) return Permission::kNoRoute;
  const auto destination = guarded(open.destination, own);
  if (destination && !meant(tunnel, *destination)) return Permission::kGuarded;
  if (tunnel.transparent) {
    const auto source = guarded(open.source, own);
    if (source && !meant(tunnel, *source)) return Permission::kForgedSource;
  }
  return Permission::kAllowed;
}

}  // namespace arctic
