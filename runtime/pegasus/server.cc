#include "runtime/pegasus/server.h"

#include <ifaddrs.h>

#include "runtime/pegasus/entry.h"
#include "runtime/pegasus/exit.h"

namespace arctic {
namespace {

std::vector<Address> node_addresses() {
  std::vector<Address> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    const auto parsed = RawAddress(*each->ifa_addr).parse();
    if (parsed) out.push_back(parsed->address);
  }
  ::freeifaddrs(list);
  return out;
}

Address loopback(Family family) {
  return family == Family::kIpv4 ? Address{family, U128{127} << 24 | 1} : Address{family, 1};
}

}  // namespace

Status Server::listen(Thread& thread, const SocketAddress& where, bool tunnel) {
  ARCTIC_TRY(const int fd, listen_tcp(where, {.transparent = !tunnel, .shared = true}));
  ARCTIC_TRY(auto socket, Watched::make(thread.worker->loop(), fd));
  thread.listeners.push_back({std::move(socket), where.port, tunnel});
  return {};
}

Result<std::unique_ptr<Server>> Server::make(PegasusConfig config, KeyPair own, Options options) {
  std::unique_ptr<Server> server(new Server(std::move(own)));
  server->shared_.log = std::move(options.log);
  const auto running = std::make_shared<const Running>(std::move(config));
  for (std::size_t i = 0; i < options.workers; ++i) {
    Thread& thread = server->threads_.emplace_back();
    ARCTIC_TRY(thread.worker, Worker::make(server->shared_, running));
    thread.worker->own_addresses = node_addresses();
    for (const Family family : kFamilies) {
      ARCTIC_CHECK(listen(thread, {{family, 0}, running->config().listen_port}, true));
      for (const auto& tunnel : running->config().tunnels) {
        if (tunnel.role != PegasusConfig::Role::kEntry) continue;
        ARCTIC_CHECK(listen(thread, {loopback(family), tunnel.listen_port}, false));
      }
    }
  }
  return server;
}

void Server::start() {
  for (Thread& thread : threads_) {
    thread.thread = std::thread([&thread] {
      for (Listener& each : thread.listeners) {
        arctic::start(each.tunnel ? accept_peers(*thread.worker, *each.socket)
                                  : accept_clients(*thread.worker, *each.socket, each.port));
      }
      thread.worker->loop().run();
    });
  }
}

void Server::stop() {
  for (Thread& thread : threads_) {
    if (!thread.thread.joinable()) continue;
    thread.worker->loop().stop();
    thread.thread.join();
  }
}

Server::~Server() { stop(); }

}  // namespace arctic
