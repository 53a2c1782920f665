#include "runtime/pegasus/listeners.h"

#include <cerrno>

#include "runtime/pegasus/link.h"

namespace arctic {
namespace {

Address loopback(Family family) {
  return family == Family::kIpv4 ? Address{family, U128{127} << 24 | 1} : Address{family, 1};
}

bool has_ipv6() {
  const OwnedFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket.get() >= 0 || errno != EAFNOSUPPORT;
}

/// Sockets that share a port do not see that another process shares it too; one that does not share
/// it does.
Status check_free(const SocketAddress& where, bool transparent) {
  ARCTIC_TRY(const int fd, listen_tcp(where, {.transparent = transparent, .shared = false}));
  const OwnedFd closed_at_once(fd);
  return {};
}

Result<BoundPort> bind_port(const ListenPort& port, std::size_t workers) {
  BoundPort bound{port, std::vector<std::vector<OwnedFd>>(workers)};
  for (const Family family : kFamilies) {
    if (family == Family::kIpv6 && !has_ipv6()) continue;
    const Address address = port.tunnel ? Address{family, 0} : loopback(family);
    ARCTIC_CHECK(check_free({address, port.port}, !port.tunnel));
    for (auto& worker : bound.by_worker) {
      ARCTIC_TRY(const int fd,
                 listen_tcp({address, port.port}, {.transparent = !port.tunnel, .shared = true}));
      // What is accepted inherits it.
      begin_unpaced(fd);
      port.tunnel ? prepare_tunnel(fd) : prepare_plain(fd);
      worker.emplace_back(fd);
    }
  }
  return bound;
}

}  // namespace

ListenPorts ports_of(const Running& running) {
  ListenPorts ports{{running.config().listen_port, true}};
  for (const auto& tunnel : running.config().tunnels) {
    if (tunnel.role == PegasusConfig::Role::kEntry) ports.insert({tunnel.listen_port, false});
  }
  return ports;
}

Result<std::vector<BoundPort>> bind_ports(const ListenPorts& ports, std::size_t workers) {
  std::vector<BoundPort> all;
  for (const ListenPort& port : ports) {
    ARCTIC_TRY(BoundPort bound, bind_port(port, workers));
    all.push_back(std::move(bound));
  }
  return all;
}

}  // namespace arctic
