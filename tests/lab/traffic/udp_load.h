// UDP datagrams by rate and size, counted where they arrive: for measuring tunnels.
//
// Blocking calls in a thread of its own; no event loop, so that nothing but the sending itself
// costs. Counts live at the receiver, by run, so that any number of runs may follow one another.
#pragma once

#include <cstdint>

#include "schema/base/address.h"

namespace arctic::traffic {

/// Counts what arrives and answers who asks, on both families, until SIGTERM. Exit code.
int count_datagrams(std::uint16_t port);

struct UdpLoad {
  Address address;
  std::uint16_t port = 0;
  std::size_t bytes = 1392;     ///< of payload; at least 24
  double per_second = 100'000;  ///< datagrams
  double seconds = 2;
  bool until_told = false;  ///< or until there is a byte to read, or the end, if that is sooner
};
/// Sends in bursts of a third of a millisecond, many datagrams a call; then asks what came. Prints
/// a line of JSON: sent, received, lost (share), per_second (received). Exit code: 1 if nobody
/// answers.
int load_datagrams(const UdpLoad& load);

}  // namespace arctic::traffic
