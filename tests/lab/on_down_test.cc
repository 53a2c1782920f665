// What TCP gets while Pegasus does not listen: `reject`, `direct` and `drop`, for new connections
// and for those that were open.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/lab/talk.h"

using namespace arctic;
using namespace arctic::lab;

namespace {

constexpr const char* kServices = R"(
  - name: refusing
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    on_down: reject
    routes:
      - {priority: 1, dest_cidr: 198.51.100.16/28}
      - {priority: 1, dest_cidr: 2001:db8:f:1::/64}
  - name: straight
    source_peer: syd
    target_peer: fra
    transport_type: tcp
    on_down: direct
    routes:
      - {priority: 1, dest_cidr: 198.51.100.32/28}
      - {priority: 1, dest_cidr: 2001:db8:f:2::/64}
  - name: silent
    source_peer: syd
    target_peer: nyc
    transport_type: tcp
    on_down: drop
    routes:
      - {priority: 1, dest_cidr: 198.51.100.48/28}
      - {priority: 1, dest_cidr: 2001:db8:f:3::/64}
)";

constexpr Milliseconds kAtOnce{100};

Address behind(Family family, int service) {
  return family == Family::kIpv4 ? address("198.51.100." + std::to_string(16 * service + 1))
                                 : address("2001:db8:f:" + std::to_string(service) + "::1");
}

/// True if `capture` (of the wan) shows TCP to `to` before a control packet sent now arrives there.
bool reached_wan(const Road& road, Capture& capture, const Address& to) {
  const auto& at = road_addresses(to.family);
  for (const Namespace* from : {&road.client, &road.entry}) {
    send_udp(*from, std::nullopt, {at.control, 9}, "fence");
    for (const auto& seen : capture.until(
             [](const Seen& s) { return !s.outgoing && s.datagram.payload == "fence"; })) {
      if (seen.datagram.protocol == kTcp && seen.datagram.to == to) return true;
    }
  }
  return false;
}

/// Takes a socket away as if its process had never been: neither FIN nor reset.
void vanish(Fd& fd) {
  const int on = 1;
  REQUIRE(setsockopt(fd.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0);
  fd.reset();
}

/// True if the connection is reset within the patience.
bool is_reset(const Fd& fd) {
  const auto end = Clock::now() + kPatience;
  while (Clock::now() < end) {
    char byte = 'x';
    if (send(fd.get(), &byte, 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
      return errno == ECONNRESET || errno == EPIPE;
    }
    if (recv(fd.get(), &byte, 1, 0) < 0 && errno == ECONNRESET) return true;
    (void)read_some(fd, 1, Milliseconds{5});
  }
  return false;
}

}  // namespace

TEST_CASE("reject: refused at once, and nothing leaves") {
  const Road road;
  road.apply(config_of(kServices));
  Capture wan(road.wan, "eth0");
  for (const Family family : kFamilies) {
    for (const Namespace* from : {&road.client, &road.entry}) {
      INFO("IPv" << static_cast<int>(family) << (from == &road.client ? " forwarded" : " local"));
      const Attempt attempt = dial(*from, std::nullopt, {behind(family, 1), 443});
      CHECK(attempt.error == ECONNREFUSED);
      CHECK(attempt.took < kAtOnce);
    }
    CHECK_FALSE(reached_wan(road, wan, behind(family, 1)));
  }
}

TEST_CASE("drop: silence, and nothing leaves") {
  const Road road;
  road.apply(config_of(kServices));
  Capture wan(road.wan, "eth0");
  Capture client(road.client, "eth0");
  for (const Family family : kFamilies) {
    for (const Namespace* from : {&road.client, &road.entry}) {
      INFO("IPv" << static_cast<int>(family) << (from == &road.client ? " forwarded" : " local"));
      CHECK(dial(*from, std::nullopt, {behind(family, 3), 443}, kAtOnce).error == ETIMEDOUT);
    }
    CHECK_FALSE(reached_wan(road, wan, behind(family, 3)));
    for (const auto& seen : client.take()) CHECK(seen.datagram.from != behind(family, 3));
  }
}

TEST_CASE(
    "direct: forwarded connections go the ordinary way and stay there; local ones are refused") {
  const Road road;
  road.apply(config_of(kServices));
  const std::uint16_t port = listen_port(road.folder, "straight");
  for (const Family family : kFamilies) {
    INFO("IPv" << static_cast<int>(family));
    const Address to = behind(family, 2);
    const Fd server = serve(road.wan, kTcp, {to, 443});
    const Attempt attempt = dial(road.client, std::nullopt, {to, 443});
    REQUIRE(attempt.connected());
    const auto direct = accept_from(server);
    REQUIRE(direct);
    CHECK(direct->remote.address == road_addresses(family).client);
    CHECK(dial(road.entry, std::nullopt, {to, 443}).error == ECONNREFUSED);

    Listener back(road.entry, port);
    write_all(attempt.fd, "still here");
    CHECK(read_some(direct->fd, 10) == "still here");
    write_all(direct->fd, "so am I");
    CHECK(read_some(attempt.fd, 7) == "so am I");
    CHECK(tcp_talks(road.client, std::nullopt, to, back) == "");
  }
}

TEST_CASE("a connection whose Pegasus vanished is reset and never goes on in the clear") {
  const Road road;
  road.apply(config_of(kServices));
  const char* const names[] = {"refusing", "straight", "silent"};
  Capture wan(road.wan, "eth0");
  for (const Family family : kFamilies) {
    for (int service = 1; service <= 3; ++service) {
      for (const Namespace* from : {&road.client, &road.entry}) {
        INFO("IPv" << static_cast<int>(family) << " " << names[service - 1]
                   << (from == &road.client ? " forwarded" : " local"));
        const Address to = behind(family, service);
        std::optional<Listener> listener(std::in_place, road.entry,
                                         listen_port(road.folder, names[service - 1]));
        const Attempt attempt = dial(*from, std::nullopt, {to, 443});
        REQUIRE(attempt.connected());
        auto connection = listener->accept();
        REQUIRE(connection);
        listener.reset();
        vanish(connection->fd);
        write_all(attempt.fd, "more");
        CHECK(is_reset(attempt.fd));
        CHECK_FALSE(reached_wan(road, wan, to));
      }
    }
  }
}
