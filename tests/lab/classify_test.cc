// The kernel against `arctic trace`: random configurations, thousands of real packets, and for each
// the question which listener, tunnel device or ordinary way it took, and what the counters say.
//
//   client (frames by hand, any source) ── lan0 and two MACVLANs on entry wan0 ── wan (silent)
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "tests/lab/road.h"

using namespace arctic;
using namespace arctic::lab;

namespace {

constexpr int kConfigurations = 8;
constexpr int kPacketsEach = 320;
constexpr int kServices = 5;
/// In turn: both families as maps; IPv4 as maps and IPv6 as a list of rules; both as lists.
constexpr int kRoutesEach[] = {10, 3, 2};

using Random = std::mt19937;

int below(Random& random, int end) { return std::uniform_int_distribution<>(0, end - 1)(random); }

/// Few addresses and many lengths, so that prefixes nest and repeat.
struct Pool {
  std::vector<Address> anchors;
  std::vector<int> lengths;
};

struct Pools {
  Pool sources;
  Pool destinations;
};

const Pools& pools(Family family) {
  const auto addresses = [](std::initializer_list<const char*> texts) {
    std::vector<Address> all;
    for (const char* text : texts) all.push_back(address(text));
    return all;
  };
  static const Pools v4{{addresses({"10.1.2.3", "10.1.2.200", "10.1.77.5", "10.200.3.4"}),
                         {8, 12, 16, 17, 20, 24, 25, 30, 32}},
                        {addresses({"198.18.5.6", "198.18.5.77", "198.19.1.1", "198.18.200.9"}),
                         {0, 15, 16, 18, 20, 24, 25, 29, 32}}};
  static const Pools v6{
      {addresses({"fd0a:1:2::3", "fd0a:1:2:8000::3", "fd0a:1:77::5", "fd0a:ff::4"}),
       {16, 32, 33, 48, 64, 65, 96, 127, 128}},
      {addresses({"2001:db8:d:5::6", "2001:db8:d:5::ff06", "2001:db8:e::1", "2001:db8:d:ff::9"}),
       {0, 32, 40, 48, 49, 64, 112, 127, 128}}};
  return family == Family::kIpv4 ? v4 : v6;
}

Prefix pick(Random& random, const Pool& pool, bool broad = true) {
  const int anchor = below(random, static_cast<int>(pool.anchors.size()));
  int length = below(random, static_cast<int>(pool.lengths.size()));
  if (!broad && pool.lengths[static_cast<std::size_t>(length)] == 0) ++length;
  return network_of(pool.anchors[static_cast<std::size_t>(anchor)],
                    pool.lengths[static_cast<std::size_t>(length)]);
}

struct RouteText {
  std::optional<Prefix> source;
  std::optional<Prefix> destination;
};

struct Scenario {
  std::string yaml;
  std::vector<RouteText> routes;
};

/// Without `broad`, no route has a /0, so that some packets are nobody's.
Scenario make_scenario(Random& random, bool broad, int routes_each) {
  Scenario scenario;
  std::vector<int> priorities(static_cast<std::size_t>(kServices * routes_each));
  for (std::size_t i = 0; i < priorities.size(); ++i) priorities[i] = static_cast<int>(i);
  std::shuffle(priorities.begin(), priorities.end(), random);
  std::string& text = scenario.yaml;
  text = "version: v1\npeers:\n";
  const char* const keys[] = {"ogpmbvsbqKmqhlofu1nSNiW4Qkzd/IvXZwgJOYtoYhY=",
                              "OVjQg1bu7MpGESSi5ImLskQ654cevjQ1KJE8AGUB7iY=",
                              "vIm51aUMFzd9s7jfN8NzCRrjaM6pCowzonBbIjnVSWc=",
                              "U2183Sz6wXuyB0RUT6zl7TnZFkRNeg11yZGlyqQeflc=",
                              "mg3vgytuAnuZoFAnu1ZAmidrNTh0zN3Nu1477dIzIhc=",
                              "TxJyrYfpx5wcgjoXLaT0apCh6bYT8AZ7dyTm8p5K0V8="};
  for (int i = 0; i <= kServices; ++i) {
    text += "  - {name: " + (i == 0 ? "syd" : "p" + std::to_string(i)) + ", address: 203.0.113." +
            std::to_string(i + 1) + ", public_key: \"" + keys[i] + "\", parent_interface: lan0}\n";
  }
  text += "services:\n";
  std::size_t next = 0;
  for (int i = 1; i <= kServices; ++i) {
    const std::string n = std::to_string(i);
    text += "  - name: s" + n + "\n    source_peer: syd\n    target_peer: p" + n +
            "\n    transport_type: tcp\n";
    if (i <= 2) {
      text += "    id: svc-if-" + n + "\n    interface: {enabled: true, ipv4: 172.31.255.1" + n +
              "/24, ipv6: \"fd99::1" + n + "/64\"}\n";
    }
    text += "    routes:\n";
    for (int k = 0; k < routes_each; ++k) {
      const Pools& from = pools(kFamilies[static_cast<std::size_t>(k) % 2]);
      const int kind = below(random, 4);
      RouteText route;
      if (kind != 0) route.source = pick(random, from.sources, broad);
      if (kind != 1) route.destination = pick(random, from.destinations, broad);
      text += "      - {priority: " + std::to_string(priorities[next++]);
      if (route.source) text += ", source_cidr: \"" + route.source->to_string() + "\"";
      if (route.destination) text += ", dest_cidr: \"" + route.destination->to_string() + "\"";
      text += "}\n";
      scenario.routes.push_back(route);
    }
  }
  return scenario;
}

/// An address at an edge of the prefix, beside it, or somewhere inside.
Address near(Random& random, const Prefix& prefix) {
  switch (below(random, 6)) {
    case 0:
      return {prefix.family, prefix.first()};
    case 1:
      return {prefix.family, prefix.last()};
    case 2:
      return {prefix.family, prefix.first() - 1};
    case 3:
      return {prefix.family, prefix.last() + 1};
    default:
      break;
  }
  U128 bits = 0;
  for (int i = 0; i < 4; ++i) bits = bits << 32 | random();
  return {prefix.family, prefix.first() | (bits & (prefix.last() - prefix.first()))};
}

/// What the entry can send back to the client, or on to the wan; elsewhere a packet would be lost.
bool usable(const Address& address, bool as_source) {
  static const Prefix places[] = {*parse_prefix("8.0.0.0/6"), *parse_prefix("fd00::/12"),
                                  *parse_prefix("198.16.0.0/12"), *parse_prefix("2001:db8::/30")};
  const std::size_t at = (as_source ? 0U : 2U) + (address.family == Family::kIpv4 ? 0U : 1U);
  return places[at].contains(address) && !parse_prefix("2001:db8:1::/48")->contains(address);
}

Address pick_address(Random& random, const std::optional<Prefix>& prefix, Family family,
                     bool as_source) {
  const Pool& pool = as_source ? pools(family).sources : pools(family).destinations;
  while (true) {
    const Prefix around = prefix && below(random, 8) != 0 ? *prefix : pick(random, pool);
    const Address address = near(random, around);
    if (usable(address, as_source)) return address;
    if (!prefix || prefix->length == 0) continue;
    const Address anchor = prefix->address();
    if (usable(anchor, as_source)) return anchor;
  }
}

struct Sent {
  Datagram datagram;
  std::string iif;
};

Sent pick_packet(Random& random, const Scenario& scenario) {
  const int which = below(random, static_cast<int>(scenario.routes.size()));
  const RouteText& route = scenario.routes[static_cast<std::size_t>(which)];
  const Family family = (route.source ? *route.source : *route.destination).family;
  Address from = pick_address(random, route.source, family, true);
  Address to = pick_address(random, route.destination, family, false);
  if (below(random, 5) == 0) {
    const bool v4 = family == Family::kIpv4;
    from = address(v4 ? "9.1.2.3" : "fd0f:9::3");
    to = address(v4 ? "198.30.1.2" : "2001:dba:7::2");
  }
  const std::uint8_t protocols[] = {kTcp, kTcp, kTcp, kUdp, kUdp, icmp_of(family), kOdd};
  const char* const links[] = {"lan0", "lan0", "lan0", "lan0", "svc-if-1", "svc-if-2"};
  return {fresh(from, to, protocols[below(random, 7)]),
          links[below(random, 3) == 0 ? below(random, 6) : 0]};
}

std::string key_of(const Datagram& d) {
  const std::string ends = d.from.to_string() + " > " + d.to.to_string() + " ";
  return ends + (d.protocol == kTcp ? "tcp " + std::to_string(d.source_port) : d.payload);
}

struct Yard {
  Namespace client;
  Namespace entry;
  Namespace wan;
  Folder folder;

  Yard() {
    stay_on_one_processor();
    connect({&client, "eth0", {"172.31.255.2/24", "fd99::2/64"}},
            {&entry, "lan0", {"172.31.255.1/24", "fd99::1/64"}});
    connect({&entry, "wan0", {"192.0.2.10/24", "2001:db8:1::10/64"}},
            {&wan, "eth0", {"192.0.2.1/24", "2001:db8:1::1/64"}});
    entry.ip(
        "route add default via 192.0.2.1\nroute add 8.0.0.0/6 via 172.31.255.2\n"
        "-6 route add default via 2001:db8:1::1\n-6 route add fd00::/12 via fd99::2");
    for (const char* forwarding : {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}) {
      entry.set_sysctl(forwarding, "1");
    }
  }
};

/// Everything a packet can come out of; open for all configurations, whose names stay the same.
struct Exits {
  std::map<std::string, Tunnel> tunnels;
  std::map<std::uint16_t, Listener> listeners;
  Capture client;
  Capture wan;
  FrameSender sender;
  std::map<std::string, std::string> macs;

  explicit Exits(const Yard& yard)
      : client(yard.client, "eth0"), wan(yard.wan, "eth0"), sender(yard.client, "eth0") {
    for (int i = 1; i <= kServices; ++i) {
      const std::string device = "tp-p" + std::to_string(i);
      tunnels.emplace(device, Tunnel(yard.entry, device));
      const std::uint16_t port = listen_port(yard.folder, "s" + std::to_string(i));
      listeners.emplace(port, Listener(yard.entry, port));
    }
    for (const char* link : {"lan0", "svc-if-1", "svc-if-2"}) macs[link] = yard.entry.mac(link);
  }

  /// Adds to `ways` all that has come out anywhere; completes handshakes on the client's behalf.
  void look(const std::map<std::string, const Sent*>& sent,
            std::map<std::string, std::multiset<std::string>>& ways) {
    for (const auto& seen : client.take()) {
      const Datagram& d = seen.datagram;
      if (seen.outgoing || d.protocol != kTcp || d.flags != (kSyn | kAck)) continue;
      Datagram third = d;
      std::swap(third.from, third.to);
      std::swap(third.source_port, third.destination_port);
      third.flags = kAck;
      third.sequence = d.acknowledgement;
      third.acknowledgement = d.sequence + 1;
      const auto first = sent.find(key_of(third));
      if (first != sent.end()) sender.send(macs.at(first->second->iif), third);
    }
    for (auto& [port, listener] : listeners) {
      while (auto connection = listener.accept(Milliseconds{0})) {
        Datagram d;
        d.protocol = kTcp;
        d.from = connection->remote.address;
        d.source_port = connection->remote.port;
        d.to = connection->local.address;
        ways[key_of(d)].insert("port " + std::to_string(port));
      }
    }
    for (auto& [device, tunnel] : tunnels) {
      for (const auto& d : tunnel.take()) ways[key_of(d)].insert(device);
    }
    for (const auto& seen : wan.take()) {
      if (!seen.outgoing) ways[key_of(seen.datagram)].insert("none");
    }
  }
};

/// What `arctic trace` says of each packet: "port N", a device, or "none"; and the service.
struct Said {
  std::string way;
  std::string service;
};

std::vector<Said> trace(const Yard& yard, const std::vector<Sent>& packets) {
  std::string lines;
  for (const auto& [d, iif] : packets) {
    lines += nlohmann::json{{"from", d.from.to_string()},
                            {"to", d.to.to_string()},
                            {"proto", d.protocol},
                            {"iif", iif}}
                 .dump() +
             "\n";
  }
  const Output output = lab::arctic(
      yard.entry, yard.folder,
      {"trace", yard.folder.path() + "/arctic.yaml", "--node", "syd", "--stdin"}, lines);
  INFO(output.err);
  REQUIRE(output.status == 0);
  std::vector<Said> all;
  std::istringstream answers(output.out);
  for (std::string line; std::getline(answers, line);) {
    const auto answer = nlohmann::json::parse(line);
    const std::string handler = answer.at("handler");
    Said said{"none", answer.at("service").is_null() ? "" : answer.at("service")};
    if (handler == "pegasus") said.way = "port " + std::to_string(answer.at("port").get<int>());
    if (handler == "tempest") said.way = answer.at("device");
    all.push_back(said);
  }
  REQUIRE(all.size() == packets.size());
  return all;
}

/// Packets counted by each service's chain.
std::map<std::string, std::size_t> counters(const Namespace& entry) {
  std::map<std::string, std::size_t> sums;
  const auto listing =
      nlohmann::json::parse(entry.must({"nft", "-j", "list", "table", "inet", "arctic"}));
  for (const auto& each : listing.at("nftables")) {
    if (!each.contains("rule")) continue;
    const std::string chain = each.at("rule").at("chain");
    if (chain.rfind("svc_", 0) != 0) continue;
    for (const auto& part : each.at("rule").at("expr")) {
      if (part.contains("counter")) {
        sums[chain.substr(4)] += part.at("counter").at("packets").get<std::size_t>();
      }
    }
  }
  return sums;
}

using Tally = std::map<std::string, std::size_t>;

/// Adds the number of packets by service, "" for none.
void check_one(Random& random, const Yard& yard, const Scenario& scenario, Exits& exits,
               Tally& total) {
  std::vector<Sent> packets;
  std::map<std::string, const Sent*> by_key;
  for (int i = 0; i < kPacketsEach; ++i) packets.push_back(pick_packet(random, scenario));
  for (const auto& each : packets) by_key[key_of(each.datagram)] = &each;
  REQUIRE(by_key.size() == packets.size());
  const auto said = trace(yard, packets);
  auto before = counters(yard.entry);

  std::map<std::string, std::multiset<std::string>> ways;
  std::size_t sent = 0;
  for (const auto& each : packets) {
    exits.sender.send(exits.macs.at(each.iif), each.datagram);
    // Looking now and then keeps queues short.
    if (++sent % 32 == 0) exits.look(by_key, ways);
  }
  const bool complete = eventually([&] {
    exits.look(by_key, ways);
    return std::all_of(packets.begin(), packets.end(),
                       [&](const Sent& each) { return ways.count(key_of(each.datagram)) != 0; });
  });
  CHECK(complete);

  Tally expected;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    INFO(to_string(packets[i].datagram) << " by " << packets[i].iif);
    CHECK(ways[key_of(packets[i].datagram)] == std::multiset<std::string>{said[i].way});
    ++expected[said[i].service];
    ++total[said[i].service];
  }
  auto after = counters(yard.entry);
  for (int i = 1; i <= kServices; ++i) {
    const std::string service = "s" + std::to_string(i);
    INFO("counters of " << service);
    CHECK(after[service] - before[service] == expected[service]);
  }
}

/// How IPv4 and IPv6 are classified: "maps list".
std::string form(const Namespace& entry) {
  const std::string chain = entry.must({"nft", "list", "chain", "inet", "arctic", "classify"});
  const auto of = [&](const std::string& word) {
    const bool maps = chain.find("\t" + word + " saddr vmap") != std::string::npos ||
                      chain.find("\t" + word + " daddr vmap") != std::string::npos;
    return maps ? "maps" : "list";
  };
  return std::string(of("ip")) + " " + of("ip6");
}

}  // namespace

TEST_CASE("the kernel takes every packet where trace says") {
  const Yard yard;
  std::optional<Exits> exits;
  Tally total;
  Tally forms;
  for (unsigned seed = 1; seed <= kConfigurations; ++seed) {
    Random random(seed);
    const Scenario scenario =
        make_scenario(random, seed % 2 == 0, kRoutesEach[seed % std::size(kRoutesEach)]);
    INFO("seed " << seed << "\n" << scenario.yaml);
    lab::apply(yard.entry, yard.folder, scenario.yaml, "syd");
    ++forms[form(yard.entry)];
    if (!exits) exits.emplace(yard);
    check_one(random, yard, scenario, *exits, total);
  }
  CHECK(forms == Tally{{"list list", 3}, {"maps list", 3}, {"maps maps", 2}});
  // Had nearly all gone one way, the agreement would say little.
  CHECK(total.size() == kServices + 1);
  for (const auto& [service, packets] : total) {
    INFO("service '" << service << "'");
    CHECK(packets > kConfigurations * kPacketsEach / 20);
  }
}
