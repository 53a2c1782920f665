#include "tests/kernel/states.h"

#include <map>
#include <stdexcept>

#include "compiler/allocate.h"
#include "tests/support/synthetic_config.h"

namespace arctic::test {
namespace {

std::string peer(const std::string& name, const std::string& address,
                 const std::string& more = {}) {
  return "  - name: " + name + "\n    address: " + address + "\n    public_key: \"" +
         public_key_text(name) + "\"\n" + more;
}

std::string alpha(const std::string& more = {}) {
  return peer(kStateNode, "192.0.2.1",
              "    parent_interface: " + std::string(kStateParent) + "\n" + more);
}

std::string service(const std::string& name, const std::string& from, const std::string& to,
                    const std::string& rest) {
  return "  - name: " + name + "\n    source_peer: " + from + "\n    target_peer: " + to +
         "\n    transport_type: tcp\n" + rest;
}

std::string route(int priority, const std::string& source, const std::string& destination) {
  std::string text = "      - priority: " + std::to_string(priority) + "\n";
  if (!source.empty()) text += "        source_cidr: " + source + "\n";
  if (!destination.empty()) text += "        dest_cidr: " + destination + "\n";
  return text;
}

std::string file(const std::string& peers, const std::string& services) {
  return "version: v1\npeers:\n" + peers + "services:" + (services.empty() ? " []\n" : "\n") +
         services;
}

std::string empty() { return file(alpha() + peer("beta", "192.0.2.2"), ""); }

std::string manual() {
  return file(
      alpha() + peer("beta", "192.0.2.2") + peer("gamma", "192.0.2.3"),
      service("svc-a", "alpha", "beta",
              "    routes:\n" + route(100, "10.0.0.0/8", "192.168.0.0/16")) +
          service("svc-b", "alpha", "gamma",
                  "    routes:\n" + route(200, "10.1.0.0/16", "192.168.100.0/24")) +
          service("svc-c", "alpha", "beta", "    routes:\n" + route(100, "", "172.16.0.0/12")));
}

std::string shifted() {
  std::string text = manual();
  text.insert(text.find("  - name: beta"), "    mark_shift: 0\n");
  return text;
}

std::string macvlan() {
  return file(
      alpha() + peer("beta", "192.0.2.2"),
      service("lan", "alpha", "beta",
              "    fully_transparent: true\n    interface:\n      enabled: true\n"
              "      ipv4: 10.0.0.9/24\n      ipv6: fd00::9/64\n") +
          service("lan-and-routes", "alpha", "beta",
                  "    interface:\n      enabled: true\n      ipv4: 10.0.0.10/24\n    routes:\n" +
                      route(100, "10.0.0.0/8", "192.168.0.0/16") +
                      route(100, "fd00::/8", "2001:db8::/32")) +
          service("bare", "alpha", "beta",
                  "    id: bare-interface-with-a-long-id\n    interface:\n      enabled: true\n"));
}

// The first two of "PREFIX-0", "PREFIX-1", … whose hashes give one number.
std::pair<std::string, std::string> colliding(std::string_view kind, const std::string& prefix) {
  std::map<std::uint16_t, std::string> seen;
  for (int i = 0;; ++i) {
    const std::string name = prefix + "-" + std::to_string(i);
    const auto numbers = allocate_numbers(kind, {name});
    const auto [place, fresh] = seen.emplace(numbers.begin()->second, name);
    if (!fresh) return {place->second, name};
  }
}

std::string collisions() {
  const auto [first_peer, second_peer] = colliding("peer", "site");
  const auto [first, second] = colliding("port", "flow");
  return file(alpha() + peer(first_peer, "192.0.2.2") + peer(second_peer, "192.0.2.3"),
              service(first, "alpha", first_peer,
                      "    routes:\n" + route(100, "10.0.0.0/8", "192.168.0.0/16")) +
                  service(second, "alpha", second_peer,
                          "    routes:\n" + route(100, "10.0.0.0/9", "192.168.0.0/16")));
}

std::string nested() {
  std::string first = "    routes:\n";
  std::string second = "    routes:\n";
  for (int depth = 0; depth < 20; ++depth) {
    std::string& routes = depth % 2 == 0 ? first : second;
    routes += route(100, "10.0.0.0/" + std::to_string(8 + depth),
                    "192.168." + std::to_string(depth) + ".0/24");
    routes += route(100, "fd00::/" + std::to_string(8 + depth),
                    "2001:db8:" + std::to_string(depth) + "::/48");
  }
  return file(alpha() + peer("beta", "192.0.2.2") + peer("gamma", "192.0.2.3"),
              service("even", "alpha", "beta", first) + service("odd", "alpha", "gamma", second));
}

// One more IPv4 route than a list of rules holds, and an IPv6 list beside the maps.
std::string lopsided() {
  std::string routes = "    routes:\n" + route(100, "fd00::/8", "2001:db8::/32");
  for (int i = 0; i < 9; ++i) {
    const std::string n = std::to_string(i);
    routes += i % 3 == 0   ? route(100, "10.0.0.0/" + std::to_string(8 + i), "192.168.0.0/16")
              : i % 3 == 1 ? route(100, "10." + n + ".0.0/16", "")
                           : route(100, "", "192.168." + n + ".0/24");
  }
  return file(alpha() + peer("beta", "192.0.2.2"), service("many", "alpha", "beta", routes));
}

std::string v6_only() {
  return file(alpha() + peer("beta", "2001:db8::2"),
              service("six", "alpha", "beta",
                      "    interface:\n      enabled: true\n      ipv6: fd00::9/64\n    routes:\n" +
                          route(100, "fd00::/8", "2001:db8:100::/40") +
                          route(100, "fd00:1::/32", "2001:db8:100::/48") + route(5, "", "::/0") +
                          route(5, "fc00::/7", "")));
}

std::string exit_only() {
  return file(alpha() + peer("beta", "192.0.2.2") + peer("gamma", "2001:db8::3"),
              service("from-beta", "beta", "alpha",
                      "    routes:\n" + route(100, "10.0.0.0/8", "192.168.0.0/16") +
                          route(100, "10.2.0.0/16", "") + route(100, "", "2001:db8::/32")) +
                  service("from-gamma", "gamma", "alpha", "    interface:\n      enabled: true\n"));
}

std::string hub() {
  std::string peers = alpha();
  std::string services;
  for (int i = 0; i < 5; ++i) {
    const std::string n = std::to_string(i);
    peers += peer("spoke-" + n, "192.0.2.1" + n);
    services += service("to-" + n, "alpha", "spoke-" + n,
                        "    routes:\n" + route(100, "", "10." + n + ".0.0/16") +
                            route(100, "", "fd00:" + n + "::/32"));
    services += service("from-" + n, "spoke-" + n, "alpha",
                        "    routes:\n" + route(100, "10." + n + ".0.0/16", "") +
                            route(100, "fd00:" + n + "::/32", ""));
  }
  return file(peers, services);
}

std::string variants() {
  const std::string a = "    routes:\n" + route(100, "", "192.168.0.0/16");
  const std::string b = "    routes:\n" + route(100, "", "192.168.0.0/17");
  const std::string c = "    routes:\n" + route(100, "", "192.168.0.0/18") +
                        route(100, "0.0.0.0/0", "192.168.0.0/18") + route(7, "::/0", "");
  return file(
      alpha("    pegasus_port: 40000\n    tempest_port: 40001\n") + peer("beta", "192.0.2.2"),
      service("direct", "alpha", "beta",
              "    on_down: direct\n    qos:\n      bandwidth_limit_mbps: 500\n" + a) +
          service("drop", "alpha", "beta",
                  "    on_down: drop\n    proxy_protocol: v2\n    qos:\n"
                  "      bandwidth_limit_mbps: 20\n" +
                      b) +
          service("svc-c", "alpha", "beta", "    on_down: reject\n" + c));
}

}  // namespace

const std::vector<NamedState>& named_states() {
  static const std::vector<NamedState> states = {
      {"empty", empty()},       {"manual", manual()},         {"shifted", shifted()},
      {"macvlan", macvlan()},   {"collisions", collisions()}, {"nested", nested()},
      {"v6_only", v6_only()},   {"exit_only", exit_only()},   {"hub", hub()},
      {"variants", variants()}, {"lopsided", lopsided()},
  };
  return states;
}

const NamedState& named_state(const std::string& name) {
  for (const NamedState& state : named_states()) {
    if (state.name == name) return state;
  }
  throw std::out_of_range("no state " + name);
}

}  // namespace arctic::test
