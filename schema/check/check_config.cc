#include "schema/check/check_config.h"

#include "schema/check/checks.h"

namespace arctic {

void check_config(const Config& config, Diagnostics& diagnostics) {
  PeerIndex peers;
  for (const Peer& peer : config.peers) {
    if (!peer.name.value.empty()) peers.emplace(peer.name.value, &peer);
  }
  check_names(config, diagnostics);
  check_references(config, peers, diagnostics);
  check_services(config, diagnostics);
  check_keys(config, peers, diagnostics);
  check_ports(config, diagnostics);
  check_limits(config, diagnostics);
}

}  // namespace arctic
