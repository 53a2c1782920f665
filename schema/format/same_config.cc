#include "schema/format/same_config.h"

#include <algorithm>

namespace arctic {
namespace {

template <class T>
bool same(const T& a, const T& b) {
  return a == b;
}

bool same(const HostName& a, const HostName& b) {
  return a.text == b.text && a.address == b.address;
}

bool same(const Peer& a, const Peer& b);
bool same(const Route& a, const Route& b);
bool same(const Interface& a, const Interface& b);
bool same(const Service& a, const Service& b);

template <class T>
bool same(const Located<T>& a, const Located<T>& b) {
  return same(a.value, b.value);
}

template <class T>
bool same(const std::optional<T>& a, const std::optional<T>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return same(x, y); });
}

bool same(const Peer& a, const Peer& b) {
  return same(a.name, b.name) && same(a.address, b.address) && same(a.public_key, b.public_key) &&
         same(a.parent_interface, b.parent_interface) && same(a.pegasus_port, b.pegasus_port) &&
         same(a.tempest_port, b.tempest_port) && same(a.mark_shift, b.mark_shift) &&
         same(a.metrics, b.metrics);
}

bool same(const Route& a, const Route& b) {
  return same(a.priority, b.priority) && same(a.source, b.source) &&
         same(a.destination, b.destination) && a.malformed == b.malformed;
}

bool same(const Interface& a, const Interface& b) {
  return same(a.enabled, b.enabled) && same(a.ipv4, b.ipv4) && same(a.ipv6, b.ipv6);
}

bool same(const Service& a, const Service& b) {
  return same(a.name, b.name) && same(a.id, b.id) && same(a.source_peer, b.source_peer) &&
         same(a.target_peer, b.target_peer) && same(a.transport, b.transport) &&
         same(a.fully_transparent, b.fully_transparent) &&
         same(a.proxy_protocol, b.proxy_protocol) && same(a.on_down, b.on_down) &&
         same(a.interface, b.interface) && same(a.limit_mbps, b.limit_mbps) &&
         same(a.routes, b.routes);
}

}  // namespace

bool same_config(const Config& a, const Config& b) {
  return same(a.peers, b.peers) && same(a.services, b.services) && same(a.protect, b.protect);
}

}  // namespace arctic
