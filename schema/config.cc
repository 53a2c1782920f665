#include "schema/config.h"

#include <algorithm>

namespace arctic {

std::string Endpoint::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

const char* to_string(Transport transport) { return transport == Transport::kTcp ? "tcp" : "kcp"; }

const char* to_string(ProxyProtocol proxy_protocol) {
  return proxy_protocol == ProxyProtocol::kV2 ? "v2" : "none";
}

const char* to_string(OnDown on_down) {
  switch (on_down) {
    case OnDown::kDirect: return "direct";
    case OnDown::kDrop: return "drop";
    case OnDown::kReject: break;
  }
  return "reject";
}

const Peer* Config::find_peer(std::string_view name) const {
  const auto it =
      std::find_if(peers.begin(), peers.end(), [&](const Peer& p) { return p.name.value == name; });
  return it == peers.end() ? nullptr : &*it;
}

const Service* Config::find_service(std::string_view name) const {
  const auto it = std::find_if(services.begin(), services.end(),
                               [&](const Service& s) { return s.name.value == name; });
  return it == services.end() ? nullptr : &*it;
}

}  // namespace arctic
