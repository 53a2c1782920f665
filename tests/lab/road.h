// The road most lab tests drive on: client – entry – wan, both families, nothing of Arctic on it
// yet.
//
//   client                    entry                                    wan
//   eth0 10.1.0.2/16 ──────── lan0 10.1.0.1/16    wan0 192.0.2.10/24 ──────── eth0 192.0.2.1/24
//        fd01::2/64                fd01::1/64          2001:db8:1::10/64           2001:db8:1::1/64
//   default via entry         default via wan                          10/8, fd01::/64 via entry
//                                                                      answers for 198.51.100.0/24
//                                                                      and 2001:db8:f::/48
//
// Called by the tests of this folder, which put their own configuration on the entry.
#pragma once

#include <string>

#include "tests/support/lab.h"
#include "tests/support/packet.h"
#include "tests/support/wire.h"

namespace arctic::lab {

struct Road {
  Namespace client;
  Namespace entry;
  Namespace wan;
  Folder folder;

  Road();
  /// Configures the entry as node "syd".
  void apply(const std::string& yaml) const { lab::apply(entry, folder, yaml, "syd"); }
};

/// The addresses of the road, by family.
struct RoadAddresses {
  Address client;
  Address entry_lan;
  Address entry_wan;
  Address wan;
  Address far;      ///< behind wan; only captured traffic goes there in most tests
  Address control;  ///< behind wan, and in no route of a service
};
[[nodiscard]] const RoadAddresses& road_addresses(Family family);

/// A whole file: the peers syd, lon, fra and nyc with their keys, and the services given, each
/// indented by two.
[[nodiscard]] std::string config_of(const std::string& services);

/// One UDP, ICMP, TCP SYN or odd packet of a flow that differs from all others before it.
[[nodiscard]] Datagram fresh(const Address& from, const Address& to, std::uint8_t protocol);

/// The port of a service's listener at the entry, from the pegasus.json that was applied.
[[nodiscard]] std::uint16_t listen_port(const Folder& folder, const std::string& service);

}  // namespace arctic::lab
