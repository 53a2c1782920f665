#include "tests/compiler/random_config.h"

#include <set>
#include <string>
#include <tuple>

#include "compiler/allocate.h"

namespace arctic::test {
namespace {

std::size_t index_of(Family family) { return family == Family::kIpv4 ? 0 : 1; }

U128 random_address(Random& random, Family family) {
  const U128 wide = (U128{random()} << 64) | random();
  return wide & max_address(family);
}

/// Few addresses, so that prefixes made from them share their beginnings; the ends of the family
/// are among them, where arithmetic overflows.
U128 place(Random& random, Family family) {
  static constexpr std::uint32_t kIpv4[] = {0x0a000000, 0x0a0102ff, 0xc0a864c8, 0xac100001};
  static constexpr std::uint64_t kIpv6[] = {0x20010db800000000, 0x20010db800ff0000,
                                            0xfd00000000000000, 0x20010db8ffffffff};
  switch (below(random, 8)) {
    case 0:
      return 0;
    case 1:
      return max_address(family);
    case 2:
      return random_address(random, family);
    default:
      break;
  }
  const std::size_t which = below(random, 4);
  if (family == Family::kIpv4) return kIpv4[which];
  return (U128{kIpv6[which]} << 64) | kIpv6[3 - which];
}

class Routes {
 public:
  explicit Routes(Random& random) : random_(random) {}

  /// False if it would be undefined beside an earlier route.
  bool add(Config& config, const Route& route) {
    const auto key =
        std::tuple{route.source ? std::optional(route.source->value) : std::nullopt,
                   route.destination ? std::optional(route.destination->value) : std::nullopt,
                   route.priority->value};
    if (!seen_.insert(key).second) return false;
    config.services[below(random_, config.services.size())].routes.push_back(route);
    return true;
  }

 private:
  Random& random_;
  std::set<std::tuple<std::optional<Prefix>, std::optional<Prefix>, std::uint32_t>> seen_;
};

Route random_route(Random& random) {
  const Family family = kFamilies[below(random, 2)];
  Route route;
  const std::size_t kind = below(random, 10);
  if (kind != 9) route.source = Located<Prefix>{nested_prefix(random, family), {}};
  if (kind < 7 || kind == 9) {
    route.destination = Located<Prefix>{nested_prefix(random, family), {}};
  }
  route.priority = Located<std::uint32_t>{static_cast<std::uint32_t>(below(random, 3)), {}};
  return route;
}

/// One source inside the other, as deep as the family goes.
void add_nest(Random& random, Config& config, Routes& routes) {
  const Family family = kFamilies[below(random, 2)];
  const U128 middle = place(random, family);
  const int bits = address_bits(family);
  for (int length = static_cast<int>(below(random, 4)); length <= bits;
       length += family == Family::kIpv4 ? 1 : static_cast<int>(1 + below(random, 6))) {
    Route route;
    route.priority = Located<std::uint32_t>{100, {}};
    route.source = Located<Prefix>{network_of({family, middle}, length), {}};
    route.destination = Located<Prefix>{nested_prefix(random, family), {}};
    routes.add(config, route);
  }
}

}  // namespace

std::size_t below(Random& random, std::size_t end) {
  return static_cast<std::size_t>(random() % end);
}

Prefix tiny_prefix(Random& random, Family family, int width) {
  const int length = static_cast<int>(below(random, static_cast<std::size_t>(width) + 1));
  return network_of({family, random_address(random, family)}, length);
}

Prefix nested_prefix(Random& random, Family family) {
  const auto bits = static_cast<std::size_t>(address_bits(family));
  std::size_t length = below(random, bits + 1);
  // Half of them on the lengths that people use, so that equal ones are frequent.
  if (below(random, 2) == 0) length = bits / 4 * below(random, 5);
  return network_of({family, place(random, family)}, static_cast<int>(length));
}

Config random_config(Random& random, std::size_t most_routes) {
  Config config;
  for (const char* name : {"syd", "lon"}) {
    config.peers.emplace_back();
    config.peers.back().name.value = name;
  }
  const std::size_t services = 1 + below(random, 12);
  for (std::size_t i = 0; i < services; ++i) {
    Service service;
    // Names whose byte order is not that of the file.
    service.name.value = "s" + std::to_string((i * 7 + 3) % 13);
    service.source_peer.value = "syd";
    service.target_peer.value = "lon";
    if (below(random, 4) == 0) {
      service.interface = Interface{};
      service.interface->enabled.value = true;
    }
    config.services.push_back(service);
  }
  Routes routes(random);
  if (below(random, 4) == 0) add_nest(random, config, routes);
  for (std::size_t i = below(random, most_routes + 1); i > 0; --i) {
    routes.add(config, random_route(random));
  }
  return config;
}

PacketSource::PacketSource(const Config& config, const RulePlan& plan) {
  const auto add = [](std::vector<U128>& edges, const std::optional<Prefix>& prefix) {
    if (!prefix) return;
    const U128 most = max_address(prefix->family);
    for (const U128 edge : {prefix->first(), prefix->last()}) {
      edges.push_back(edge);
      edges.push_back((edge - 1) & most);
      edges.push_back((edge + 1) & most);
    }
  };
  for (const Rule& rule : plan.rules) {
    if (rule.category == Category::kInterface) {
      interfaces_.push_back(macvlan_name(config.services[rule.service]));
      continue;
    }
    add(sources_[index_of(rule.family())], rule.source);
    add(destinations_[index_of(rule.family())], rule.destination);
  }
}

U128 PacketSource::pick(Random& random, Family family, const std::vector<U128>& edges) const {
  if (edges.empty() || below(random, 16) == 0) return random_address(random, family);
  return edges[below(random, edges.size())];
}

Packet PacketSource::next(Random& random) const {
  const Family family = kFamilies[below(random, 2)];
  Packet packet;
  packet.from = {family, pick(random, family, sources_[index_of(family)])};
  packet.to = {family, pick(random, family, destinations_[index_of(family)])};
  const std::size_t on = below(random, 16);
  if (on == 0 && !interfaces_.empty()) packet.iif = interfaces_[below(random, interfaces_.size())];
  if (on == 1) packet.iif = "eth0";
  return packet;
}

}  // namespace arctic::test
