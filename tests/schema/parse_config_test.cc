// From text to Config: every key arrives, with its place; and the limits on numbers of things.
#include "schema/parse/parse_config.h"

#include <catch2/catch.hpp>
#include <string>

#include "schema/check/check_config.h"

namespace arctic {
namespace {

const std::string kSydKey = "lAFKWDQSjgXpXhfxVAJY5oMiDPPceGstPHN6s69IoVw=";
const std::string kLonKey = "M5dQN3Bta2zeUo9Wq6M8QATwPN3+vDG/t83hzqunfEo=";

Config good(const std::string& text) {
  Diagnostics diagnostics;
  Config config = parse_config(text, diagnostics);
  check_config(config, diagnostics);
  std::string all;
  for (const Diagnostic& d : diagnostics.all()) all += render(d, "arctic.yaml", text, false);
  INFO(all);
  REQUIRE(all.empty());
  return config;
}

std::string errors(const std::string& text) {
  Diagnostics diagnostics;
  const Config config = parse_config(text, diagnostics);
  check_config(config, diagnostics);
  diagnostics.sort();
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) {
    out += std::to_string(d.rule) + " " + std::to_string(d.span.line) + " " + d.reason + "\n";
  }
  return out;
}

const std::string kEverything = R"(version: v1
peers:
  - name: syd
    address: "[2001:DB8::A]"
    public_key: "lAFKWDQSjgXpXhfxVAJY5oMiDPPceGstPHN6s69IoVw="
    parent_interface: eth1
    pegasus_port: 7000
    tempest_port: 7001
    mark_shift: 0
    metrics: "[::1]:9470"
  - name: lon
    address: lon.example.net
    public_key: M5dQN3Bta2zeUo9Wq6M8QATwPN3+vDG/t83hzqunfEo=
services:
  - name: a
    id: svc-xyz
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    fully_transparent: true
    proxy_protocol: none
    on_down: drop
    interface:
      enabled: true
      ipv4: 10.0.0.9/24
      ipv6: fd00::9/64
    qos:
      bandwidth_limit_mbps: 500
    routes:
      - priority: 100
        source_cidr: 10.0.0.0/8
        dest_cidr: 192.168.100.7
  - name: b
    source_peer: lon
    target_peer: syd
    transport_type: kcp
    proxy_protocol: v2
    on_down: direct
    routes: [{priority: 0, dest_cidr: "::/0"}]
protect: [203.0.113.0/24, fd01::1]
)";

TEST_CASE("every key arrives") {
  const Config config = good(kEverything);
  REQUIRE(config.peers.size() == 2);
  const Peer& syd = config.peers[0];
  CHECK(syd.name.value == "syd");
  CHECK(syd.address->value.text == "2001:db8::a");
  CHECK(syd.address->value.address == parse_address("2001:db8::a"));
  CHECK(syd.public_key->value.to_string() == kSydKey);
  CHECK(syd.parent_interface->value == "eth1");
  CHECK(syd.pegasus_port.value == 7000);
  CHECK(syd.tempest_port.value == 7001);
  CHECK(syd.mark_shift.value == 0);
  CHECK(syd.metrics->value == Endpoint{"::1", 9470});
  CHECK(syd.metrics->value.to_string() == "[::1]:9470");
  const Peer& lon = config.peers[1];
  CHECK(lon.address->value.text == "lon.example.net");
  CHECK_FALSE(lon.address->value.address);
  CHECK(lon.pegasus_port.value == kDefaultPegasusPort);
  CHECK(lon.tempest_port.value == kDefaultTempestPort);
  CHECK(lon.mark_shift.value == kDefaultMarkShift);
  CHECK_FALSE(lon.metrics);

  REQUIRE(config.services.size() == 2);
  const Service& a = config.services[0];
  CHECK(a.name.value == "a");
  CHECK(a.id->value == "svc-xyz");
  CHECK(a.source_peer.value == "syd");
  CHECK(a.target_peer.value == "lon");
  CHECK(a.transport->value == Transport::kTcp);
  CHECK(a.fully_transparent.value);
  CHECK(a.proxy_protocol.value == ProxyProtocol::kNone);
  CHECK(a.on_down.value == OnDown::kDrop);
  CHECK(a.has_interface());
  CHECK(a.interface->ipv4->value.to_string() == "10.0.0.9/24");
  CHECK(a.interface->ipv6->value.to_string() == "fd00::9/64");
  CHECK(a.limit_mbps.value == 500);
  REQUIRE(a.routes.size() == 1);
  CHECK(a.routes[0].priority->value == 100);
  CHECK(a.routes[0].source->value.to_string() == "10.0.0.0/8");
  CHECK(a.routes[0].destination->value.to_string() == "192.168.100.7/32");
  CHECK_FALSE(a.routes[0].malformed);
  const Service& b = config.services[1];
  CHECK_FALSE(b.id);
  CHECK(b.transport->value == Transport::kKcp);
  CHECK(b.proxy_protocol.value == ProxyProtocol::kV2);
  CHECK(b.on_down.value == OnDown::kDirect);
  CHECK_FALSE(b.interface);
  CHECK(b.limit_mbps.value == 0);
  CHECK(b.routes[0].priority->value == 0);
  CHECK_FALSE(b.routes[0].source);

  REQUIRE(config.protect.size() == 2);
  CHECK(config.protect[1].value.to_string() == "fd01::1/128");
  CHECK(config.find_peer("lon") == &lon);
  CHECK(config.find_peer("par") == nullptr);
  CHECK(config.find_service("b") == &b);
}

TEST_CASE("every value has its place, and a default has none") {
  const Config config = good(kEverything);
  const Peer& syd = config.peers[0];
  CHECK(syd.span == Span{3, 5, 4});
  CHECK(syd.name.span == Span{3, 11, 3});
  CHECK(syd.address->span == Span{4, 14, 15});
  CHECK(syd.mark_shift.span == Span{9, 17, 1});
  CHECK(config.peers[1].pegasus_port.span.line == 0);
  const Service& a = config.services[0];
  CHECK(a.span == Span{15, 5, 4});
  CHECK(a.interface->span == Span{23, 5, 9});
  CHECK(a.interface->ipv6->span == Span{26, 13, 10});
  CHECK(a.limit_mbps.span == Span{28, 29, 3});
  CHECK(a.routes[0].span == Span{30, 9, 8});
  CHECK(a.routes[0].destination->span == Span{32, 20, 13});
  CHECK(config.protect[1].span == Span{40, 27, 7});
}

TEST_CASE("anchors and merge keys share what services have in common") {
  const Config config = good(R"(version: v1
peers:
  - &peer {name: syd, address: 192.0.2.10, public_key: "lAFKWDQSjgXpXhfxVAJY5oMiDPPceGstPHN6s69IoVw="}
  - <<: *peer
    name: lon
    public_key: "M5dQN3Bta2zeUo9Wq6M8QATwPN3+vDG/t83hzqunfEo="
services:
  - &common
    name: a
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    routes: &routes
      - priority: 100
        source_cidr: &lan 10.0.0.0/8
  - <<: *common
    name: b
    on_down: drop
    routes:
      - priority: 200
        source_cidr: *lan
  - {<<: *common, name: c, source_peer: lon, target_peer: syd, routes: *routes}
)");
  CHECK(config.peers[1].address->value.text == "192.0.2.10");
  CHECK(config.peers[1].name.value == "lon");
  REQUIRE(config.services.size() == 3);
  CHECK(config.services[1].target_peer.value == "lon");
  CHECK(config.services[1].routes[0].priority->value == 200);
  CHECK(config.services[1].routes[0].source->value.to_string() == "10.0.0.0/8");
  CHECK(config.services[2].routes[0].priority->value == 100);
}

TEST_CASE("what may be empty") {
  for (const char* text : {"version: v1\n", "version: v1\npeers:\nservices: ~\nprotect: []\n",
                           "version: v1\npeers: []\nservices: []\n", "version: 'v1'\n",
                           "{\"version\": \"v1\", \"peers\": []}"}) {
    INFO(text);
    const Config config = good(text);
    CHECK(config.peers.empty());
    CHECK(config.services.empty());
  }
}

TEST_CASE("names that look like something else are names") {
  const Config config = good("version: v1\npeers:\n  - name: 1\n  - name: true\n  - name: 1.5\n");
  CHECK(config.peers[0].name.value == "1");
  CHECK(config.peers[1].name.value == "true");
  CHECK(config.peers[2].name.value == "1.5");
}

TEST_CASE("booleans by YAML's core schema") {
  for (const char* word : {"true", "True", "TRUE"}) {
    const Config config =
        good("version: v1\npeers:\n  - {name: a, public_key: \"" + kSydKey +
             "\"}\n"
             "  - {name: b, address: 192.0.2.1, public_key: \"" +
             kLonKey +
             "\"}\nservices:\n"
             "  - name: s\n    source_peer: a\n    target_peer: b\n    transport_type: tcp\n"
             "    interface: {ipv4: 10.0.0.9/24, enabled: " +
             word + "}\n");
    CHECK(config.services[0].has_interface());
  }
}

// ---- Limits (rule 20) ----

std::string peers(int count) {
  std::string text = "version: v1\npeers:\n";
  for (int i = 0; i < count; ++i) text += "  - {name: p" + std::to_string(i) + "}\n";
  return text;
}

const std::string kTwoPeers = "version: v1\npeers:\n  - {name: syd, public_key: \"" + kSydKey +
                              "\"}\n  - {name: lon, address: 192.0.2.1, public_key: \"" + kLonKey +
                              "\"}\nservices:\n";

std::string service(int number, int routes) {
  std::string text = "  - name: s" + std::to_string(number) +
                     "\n    source_peer: syd\n    target_peer: lon\n    transport_type: tcp\n"
                     "    routes:\n";
  for (int i = 0; i < routes; ++i) text += "    - {priority: 1, dest_cidr: 10.0.0.0/8}\n";
  return text;
}

std::string services(int count) {
  std::string text = kTwoPeers;
  for (int i = 0; i < count; ++i) text += service(i, 1);
  return text;
}

TEST_CASE("4,000 peers are fine, one more is not") {
  CHECK(errors(peers(4000)).empty());
  CHECK(errors(peers(4001)) == "20 4003 the file has 4001 peers; the limit is 4000\n");
}

TEST_CASE("4,000 services of one source peer are fine, one more is not") {
  CHECK(errors(services(4000)).empty());
  CHECK(errors(services(4001)) ==
        "20 24006 peer `syd` is the source of more than 4000 services, the limit\n");
}

TEST_CASE("100,000 routes are fine, one more is not, across services") {
  CHECK(errors(kTwoPeers + service(0, 60'000) + service(1, 40'000)).empty());
  CHECK(errors(kTwoPeers + service(0, 60'000) + service(1, 40'001)) ==
        "20 100016 the file has more than 100000 routes, the limit\n");
}

TEST_CASE("100,000 routes as JSON in one line") {
  std::string text = "{\"version\":\"v1\",\"services\":[{\"routes\":[";
  for (int i = 0; i < 100'000; ++i) {
    text += "{\"priority\":100,\"source_cidr\":\"10.0.0.0/8\",\"dest_cidr\":\"10.0.0.0/8\"},";
  }
  text += "]}]}";
  Diagnostics diagnostics;
  const Config config = parse_config(text, diagnostics);
  REQUIRE(config.services.size() == 1);
  CHECK(config.services[0].routes.size() == 100'000);
}

TEST_CASE("a file full of mistakes is cut short, and quickly") {
  std::string text = kTwoPeers;
  for (int i = 0; i < 20'000; ++i) {
    text += "  - {name: s, source_peer: sid" + std::to_string(i) + ", target_pear: lon}\n";
  }
  Diagnostics diagnostics;
  check_config(parse_config(text, diagnostics), diagnostics);
  CHECK(diagnostics.errors() >= 80'000);
  CHECK(diagnostics.all().size() == Diagnostics::kMaxOfOneSeverity + 1);
}

}  // namespace
}  // namespace arctic
