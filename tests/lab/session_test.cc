// Somebody is logged in on the node while a service takes all of 0.0.0.0/0: the session lives on,
// new ones open, and what was open before from the node or through it stays on its way.
#include <catch2/catch.hpp>

#include "tests/lab/talk.h"

using namespace arctic;
using namespace arctic::lab;

namespace {

constexpr const char* kServices = R"(
  - name: everything
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    routes:
      - {priority: 1, dest_cidr: 0.0.0.0/0}
      - {priority: 1, dest_cidr: "::/0"}
)";

struct Session {
  Fd server;
  Attempt client;
  Connection accepted;

  Session(const Namespace& from, const Namespace& to, const Place& at)
      : server(serve(to, kTcp, at)), client(dial(from, std::nullopt, at)) {
    REQUIRE(client.connected());
    auto connection = accept_from(server);
    REQUIRE(connection);
    accepted = std::move(*connection);
  }
  [[nodiscard]] bool lives() const {
    write_all(client.fd, "typed");
    write_all(accepted.fd, "shown");
    return read_some(accepted.fd, 5) == "typed" && read_some(client.fd, 5) == "shown";
  }
};

}  // namespace

TEST_CASE("sessions survive a service for everything, and new ones into the node open") {
  const Road road;
  std::vector<Session> old;
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    old.emplace_back(road.client, road.entry, Place{at.entry_lan, 22});
    old.emplace_back(road.wan, road.entry, Place{at.entry_wan, 22});
    old.emplace_back(road.entry, road.wan, Place{at.wan, 80});
    old.emplace_back(road.client, road.wan, Place{at.control, 80});
  }
  road.apply(config_of(kServices));
  for (std::size_t i = 0; i < old.size(); ++i) {
    INFO("session " << i);
    CHECK(old[i].lives());
  }
  Tunnel tunnel(road.entry, "tp-lon");
  Listener listener(road.entry, listen_port(road.folder, "everything"));
  for (const Family family : kFamilies) {
    const auto& at = road_addresses(family);
    CHECK(Session(road.client, road.entry, Place{at.entry_lan, 23}).lives());
    CHECK(Session(road.wan, road.entry, Place{at.entry_wan, 23}).lives());
    // While new traffic is captured.
    CHECK(tcp_talks(road.client, at.client, at.control, listener) == "");
    CHECK(udp_talks(road.entry, std::nullopt, at.control, tunnel) == "");
  }
  // Neighbours are still found: forgotten ones answer again although ::/0 is captured.
  road.entry.ip("neigh flush dev wan0 nud permanent\n-6 neigh flush dev wan0 nud permanent");
  road.wan.ip("neigh flush dev eth0 nud permanent\n-6 neigh flush dev eth0 nud permanent");
  for (const Family family : kFamilies) {
    CHECK(Session(road.wan, road.entry, Place{road_addresses(family).entry_wan, 24}).lives());
  }
}
