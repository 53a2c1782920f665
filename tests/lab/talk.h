// Whole conversations across the entry: a client asks, a stand-in for the other site answers, and
// both directions must arrive. Each returns what went wrong, or nothing.
//
// Called by the lab tests; `where` is the client's namespace, or the entry's for local traffic.
#pragma once

#include <optional>
#include <string>

#include "tests/lab/road.h"

namespace arctic::lab {

/// TCP through a service's listener, which must see `to` as its own end.
[[nodiscard]] std::string tcp_talks(const Namespace& where, const std::optional<Address>& from,
                                    const Address& to, Listener& listener);
/// UDP through a tunnel.
[[nodiscard]] std::string udp_talks(const Namespace& where, const std::optional<Address>& from,
                                    const Address& to, Tunnel& tunnel);
/// An echo request and its reply through a tunnel.
[[nodiscard]] std::string icmp_talks(const Namespace& where, const std::optional<Address>& from,
                                     const Address& to, Tunnel& tunnel);

/// The answer to a packet: ends and ports exchanged; an echo request becomes a reply.
[[nodiscard]] Datagram answer_to(const Datagram& question, const std::string& payload);

/// Sends a packet made by hand through the routing of a namespace, as a local program would.
/// 0 or errno.
int send_raw(const Namespace& where, const Datagram& datagram);

}  // namespace arctic::lab
