#include <map>
#include <string>
#include <unordered_set>

#include "schema/check/checks.h"

namespace arctic {
namespace {

void check_needed(const Config& config, const PeerIndex& peers, Diagnostics& diagnostics) {
  std::unordered_set<const Peer*> keyless;
  std::unordered_set<const Peer*> unreachable;
  for (const Service& service : config.services) {
    for (const auto* end : {&service.source_peer, &service.target_peer}) {
      const auto found = peers.find(end->value);
      if (found == peers.end()) continue;
      const Peer& peer = *found->second;
      if (!peer.public_key && !peer.bad_public_key && keyless.insert(&peer).second) {
        diagnostics.error(12, peer.name.span,
                          "peer " + quoted(end->value) + " has no `public_key`, which " +
                              in_words(service) + " needs",
                          "run `arctic keygen` on " + quoted(end->value) +
                              "; what it prints is the value of `public_key`");
      }
      const bool target = end == &service.target_peer;
      if (target && !peer.address && !peer.bad_address && unreachable.insert(&peer).second) {
        diagnostics.error(12, peer.name.span,
                          "peer " + quoted(end->value) +
                              " has no `address`, and is the target of " + in_words(service),
                          "add the address at which the other peers reach it");
      }
    }
  }
}

void check_points(const Config& config, Diagnostics& diagnostics) {
  std::map<PublicKey, const Peer*> owners;
  for (const Peer& peer : config.peers) {
    if (!peer.public_key) continue;
    const auto& key = *peer.public_key;
    if (is_low_order(key.value)) {
      diagnostics.error(12, key.span, "this `public_key` gives no secrecy (a low-order point)",
                        "make another with `arctic keygen`");
    }
    const auto [it, is_new] = owners.emplace(key.value, &peer);
    if (is_new) continue;
    diagnostics.error(12, key.span,
                      "peer " + quoted(it->second->name.value) + " has the same `public_key`",
                      "each peer has a key of its own; `arctic keygen` makes one");
  }
}

}  // namespace

void check_keys(const Config& config, const PeerIndex& peers, Diagnostics& diagnostics) {
  check_needed(config, peers, diagnostics);
  check_points(config, diagnostics);
}

}  // namespace arctic
