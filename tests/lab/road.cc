#include "tests/lab/road.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace arctic::lab {

Road::Road() {
  stay_on_one_processor();
  connect({&client, "eth0", {"10.1.0.2/16", "fd01::2/64"}},
          {&entry, "lan0", {"10.1.0.1/16", "fd01::1/64"}});
  connect({&entry, "wan0", {"192.0.2.10/24", "2001:db8:1::10/64"}},
          {&wan, "eth0", {"192.0.2.1/24", "2001:db8:1::1/64"}});
  client.ip("route add default via 10.1.0.1\n-6 route add default via fd01::1");
  entry.ip("route add default via 192.0.2.1\n-6 route add default via 2001:db8:1::1");
  wan.ip(
      "route add 10.0.0.0/8 via 192.0.2.10\n-6 route add fd01::/64 via 2001:db8:1::10\n"
      "route add local 198.51.100.0/24 dev lo\n-6 route add local 2001:db8:f::/48 dev lo");
  for (const Namespace* each : {&entry, &wan}) {
    each->set_sysctl("net/ipv4/ip_forward", "1");
    each->set_sysctl("net/ipv6/conf/all/forwarding", "1");
  }
}

const RoadAddresses& road_addresses(Family family) {
  static const RoadAddresses v4{address("10.1.0.2"),     address("10.1.0.1"),
                                address("192.0.2.10"),   address("192.0.2.1"),
                                address("198.51.100.7"), address("198.51.100.200")};
  static const RoadAddresses v6{address("fd01::2"),        address("fd01::1"),
                                address("2001:db8:1::10"), address("2001:db8:1::1"),
                                address("2001:db8:f::7"),  address("2001:db8:f:ff::200")};
  return family == Family::kIpv4 ? v4 : v6;
}

std::string config_of(const std::string& services) {
  return R"(version: v1

peers:
  - name: syd
    address: 192.0.2.10
    public_key: "ogpmbvsbqKmqhlofu1nSNiW4Qkzd/IvXZwgJOYtoYhY="
    parent_interface: lan0
  - name: lon
    address: 203.0.113.1
    public_key: "OVjQg1bu7MpGESSi5ImLskQ654cevjQ1KJE8AGUB7iY="
    parent_interface: wan0
  - name: fra
    address: 203.0.113.2
    public_key: "vIm51aUMFzd9s7jfN8NzCRrjaM6pCowzonBbIjnVSWc="
    parent_interface: wan0
  - name: nyc
    address: 203.0.113.3
    public_key: "U2183Sz6wXuyB0RUT6zl7TnZFkRNeg11yZGlyqQeflc="
    parent_interface: wan0

services:
)" + services;
}

Datagram fresh(const Address& from, const Address& to, std::uint8_t protocol) {
  static std::uint16_t port = 40000;
  if (++port == 65000) port = 40001;
  Datagram datagram;
  datagram.from = from;
  datagram.to = to;
  datagram.protocol = protocol;
  datagram.source_port = port;
  datagram.destination_port = protocol == kTcp || protocol == kUdp ? 443 : 1;
  if (protocol == kTcp) {
    datagram.flags = kSyn;
    datagram.sequence = 1000;
  } else {
    datagram.payload = "flow " + std::to_string(port);
  }
  return datagram;
}

std::uint16_t listen_port(const Folder& folder, const std::string& service) {
  std::ifstream file(folder.path() + "/opt/tillered/pegasus/config.json");
  const auto config = nlohmann::json::parse(file);
  for (const auto& tunnel : config.at("tunnels")) {
    if (tunnel.at("service") == service && tunnel.at("role") == "entry") {
      return tunnel.at("listen_port").get<std::uint16_t>();
    }
  }
  throw std::runtime_error("pegasus.json has no entry tunnel of " + service);
}

}  // namespace arctic::lab
