#include <string>

#include "schema/check/checks.h"

namespace arctic {
namespace {

void check_carries(const Service& service, Diagnostics& diagnostics) {
  if (service.has_interface() || !service.routes.empty()) return;
  diagnostics.error(6, service.span,
                    in_words(service) + " has neither an enabled interface nor a route",
                    "it would carry nothing; add a route, or `interface: {enabled: true}`");
}

void check_families(const Service& service, Diagnostics& diagnostics) {
  for (const Route& route : service.routes) {
    if (!route.source || !route.destination) continue;
    if (route.source->value.family == route.destination->value.family) continue;
    const bool v4 = route.source->value.family == Family::kIpv4;
    diagnostics.error(9, route.destination->span,
                      std::string("`source_cidr` is ") + (v4 ? "IPv4" : "IPv6") +
                          " and `dest_cidr` is " + (v4 ? "IPv6" : "IPv4"),
                      "a packet has two addresses of one family; this route matches none");
  }
}

void check_transparency(const Service& service, Diagnostics& diagnostics) {
  if (!service.fully_transparent.value) return;
  const Span span = service.fully_transparent.span;
  if (service.transport && service.transport->value != Transport::kTcp) {
    diagnostics.error(10, span, "`fully_transparent` needs `transport_type: tcp`",
                      "change one of the two");
  }
  if (!service.has_interface()) {
    diagnostics.error(10, span, "`fully_transparent` needs an enabled interface",
                      "add `interface: {enabled: true}` with an address");
  }
  if (service.proxy_protocol.value != ProxyProtocol::kNone) {
    diagnostics.error(10, service.proxy_protocol.span,
                      "`proxy_protocol` and `fully_transparent` exclude each other",
                      "a transparent service shows the destination the client's address anyway");
  }
}

}  // namespace

void check_services(const Config& config, Diagnostics& diagnostics) {
  for (const Service& service : config.services) {
    check_carries(service, diagnostics);
    check_families(service, diagnostics);
    check_transparency(service, diagnostics);
  }
}

}  // namespace arctic
