// Handshake messages for a WireGuard peer, each from another address: what a flood of strangers
// looks like who know the peer's public key.
//
// mac1 is right and nothing else; the addresses are invented and nobody reads what comes back.
// Needs CAP_NET_RAW. Used to measure what is left for everybody else.
#pragma once

#include <cstdint>

#include "schema/base/address.h"
#include "schema/base/key.h"

namespace arctic::traffic {

struct HandshakeFlood {
  Address address;
  std::uint16_t port = 0;
  PublicKey key;                    ///< of who is flooded
  std::uint32_t sources = 100'000;  ///< 10.64.0.0/10, or a /64 each of fd64::/32
  double per_second = 50'000;
  double seconds = 10;
  std::uint64_t burst = 1;  ///< messages that go together, at least
};
/// Prints a line of JSON: sent, per_second. Exit code.
int flood_handshakes(const HandshakeFlood& flood);

}  // namespace arctic::traffic
