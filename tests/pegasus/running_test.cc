// What new connections may be of, while one configuration is current and another is prepared.
#include "runtime/pegasus/running.h"

#include <catch2/catch.hpp>

namespace arctic::test {
namespace {

using Role = PegasusConfig::Role;

PublicKey key(std::uint8_t number) {
  PublicKey made;
  made.bytes.fill(number);
  return made;
}

PegasusConfig::Tunnel entry(const std::string& service, std::uint16_t port) {
  PegasusConfig::Tunnel tunnel;
  tunnel.service = service;
  tunnel.id = service + "-id";
  tunnel.listen_port = port;
  return tunnel;
}

PegasusConfig::Tunnel exit(const std::string& service, const std::string& id) {
  PegasusConfig::Tunnel tunnel = entry(service, 0);
  tunnel.role = Role::kExit;
  tunnel.id = id;
  return tunnel;
}

RunningHandle running(std::vector<PegasusConfig::Peer> peers,
                      std::vector<PegasusConfig::Tunnel> tunnels) {
  PegasusConfig config;
  config.peers = std::move(peers);
  config.tunnels = std::move(tunnels);
  return std::make_shared<const Running>(std::move(config));
}

}  // namespace

TEST_CASE("a configuration is found by port, by service, by ID and by key, each in its role") {
  const auto config = running({{"a", key(1), {}}, {"b", key(2), {}}},
                              {entry("web", 30000), exit("web", "web-id"), exit("db", "db-id")});
  REQUIRE(config->entry(30000));
  CHECK(config->entry(30000)->service == "web");
  CHECK(config->entry(30000)->role == Role::kEntry);
  CHECK(config->entry(30001) == nullptr);
  CHECK(config->entry(0) == nullptr);  // an exit has no port
  CHECK(config->entry("web") == config->entry(30000));
  CHECK(config->entry("db") == nullptr);
  REQUIRE(config->exit("web-id"));
  CHECK(config->exit("web-id")->role == Role::kExit);
  CHECK(config->exit("web") == nullptr);
  CHECK(config->exit("") == nullptr);
  REQUIRE(config->peer(key(2)));
  CHECK(config->peer(key(2))->name == "b");
  CHECK(config->peer(key(3)) == nullptr);
  CHECK(config->peer("a")->public_key == key(1));
  CHECK(config->peer("c") == nullptr);
}

TEST_CASE("the current configuration comes first, the prepared one adds what is new") {
  const auto now = running({{"a", key(1), {}}}, {entry("web", 30000), exit("db", "db-id")});
  const auto next = running(
      {{"a", key(1), {}}, {"b", key(2), {}}},
      {entry("web", 30000), entry("mail", 30001), exit("db", "db-id"), exit("log", "log-id")});
  const View alone{now, nullptr};
  const View both{now, next};
  CHECK(alone.entry(30000).config == now);
  CHECK_FALSE(alone.entry(30001));
  CHECK_FALSE(alone.exit("log-id"));
  CHECK(alone.knowing(key(2)) == nullptr);
  CHECK(both.entry(30000).config == now);
  CHECK(both.entry(30001).config == next);
  CHECK(both.entry(30001).tunnel->service == "mail");
  CHECK(both.exit("db-id").config == now);
  CHECK(both.exit("log-id").config == next);
  CHECK(both.knowing(key(1)) == now);
  CHECK(both.knowing(key(2)) == next);
  CHECK(both.knowing(key(3)) == nullptr);
  CHECK_FALSE(both.entry(30002));
  CHECK_FALSE(both.exit("none"));
}

TEST_CASE("a port that goes from one service to another is nobody's meanwhile") {
  const View view{running({}, {entry("web", 30000)}), running({}, {entry("mail", 30000)})};
  CHECK_FALSE(view.entry(30000));
}

TEST_CASE("what only the current configuration has is there until it is not current") {
  const View view{running({{"a", key(1), {}}}, {entry("web", 30000), exit("db", "db-id")}),
                  running({}, {})};
  CHECK(view.entry(30000).config == view.current);
  CHECK(view.exit("db-id").config == view.current);
  CHECK(view.knowing(key(1)) == view.current);
}

TEST_CASE("a tunnel that was found keeps its configuration") {
  FoundTunnel found;
  {
    const View view{running({}, {exit("db", "db-id")}), nullptr};
    found = view.exit("db-id");
  }
  REQUIRE(found);
  CHECK(found.tunnel->service == "db");
}

}  // namespace arctic::test
