// The listening sockets of all workers: bound before they are served, served until they are closed.
//
// The server's. A port is bound for both families and every worker at once, or not at all.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "runtime/io/owned_fd.h"
#include "runtime/io/sockets.h"
#include "runtime/pegasus/running.h"

namespace arctic {

struct ListenPort {
  std::uint16_t port = 0;
  bool tunnel = false;  ///< for peers, on every address; else for clients, handed over by TPROXY
  friend auto operator<=>(const ListenPort&, const ListenPort&) = default;
};
using ListenPorts = std::set<ListenPort>;

/// What a configuration listens on.
[[nodiscard]] ListenPorts ports_of(const Running& running);

/// Bound sockets of one port: `workers` of each family.
struct BoundPort {
  ListenPort port;
  std::vector<std::vector<OwnedFd>> by_worker;
};
/// kRefused if a port is taken; then none is kept. A machine without IPv6 has IPv4 alone.
[[nodiscard]] Result<std::vector<BoundPort>> bind_ports(const ListenPorts& ports,
                                                        std::size_t workers);

}  // namespace arctic
