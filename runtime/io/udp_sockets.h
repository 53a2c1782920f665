// UDP sockets as a tunnel needs them: several on one port, for trains of datagrams.
//
// One pair per worker, IPv4 and IPv6; the kernel gives each sender's datagrams to one of them.
// They say where a datagram came to, so that the answer comes from there. Linux: udp(7), ip(7),
// ipv6(7); UDP_SEGMENT and UDP_GRO of linux/udp.h.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/io/owned_fd.h"
#include "schema/base/result.h"

namespace arctic {

struct UdpPair {
  OwnedFd four;
  OwnedFd six;                ///< none where the kernel has no IPv6
  bool takes_trains = false;  ///< UDP_GRO
};

struct UdpBound {
  std::vector<UdpPair> pairs;
  std::uint16_t port = 0;
};

/// `count` pairs on a port; 0: one that is free in both families. kRefused if it is taken, also by
/// who would share it. Buffers are as large as CAP_NET_ADMIN can have them.
[[nodiscard]] Result<UdpBound> bind_udp(std::uint16_t port, std::size_t count, std::uint32_t mark);

/// SO_MARK; 0 for none.
[[nodiscard]] Status set_mark(const UdpPair& pair, std::uint32_t mark);

}  // namespace arctic
