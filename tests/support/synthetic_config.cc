#include "tests/support/synthetic_config.h"

#include <algorithm>

#include "schema/base/address.h"
#include "schema/base/hash.h"
#include "schema/base/key.h"

namespace arctic::test {
namespace {

Prefix prefix_at(Family family, U128 base, U128 index, int length) {
  const U128 bits = base | (index << (address_bits(family) - length));
  return {family, static_cast<std::uint8_t>(length), bits};
}

// Source k of a family: of every 25, one /12 (IPv6: /28), four /16 (/32) inside it, and five /24
// (/40) in each of those.
Prefix source_prefix(Family family, std::size_t k) {
  const U128 base = family == Family::kIpv4 ? U128{10} << 24 : U128{0x2001} << 112;
  const int top = family == Family::kIpv4 ? 12 : 28;
  const U128 group = k / 25;
  const std::size_t place = k % 25;
  if (place == 0) return prefix_at(family, base, group, top);
  if (place < 5) return prefix_at(family, base, (group << 4) | (place - 1), top + 4);
  return prefix_at(family, base, (((group << 4) | ((place - 5) / 5)) << 8) | ((place - 5) % 5),
                   top + 12);
}

// Destination k: of every 16, one /16 (or /48), three /20 (/52) inside it, and four /24 (/56) in
// each of those.
Prefix destination_prefix(Family family, std::size_t k) {
  const U128 base = family == Family::kIpv4 ? U128{32} << 24 : U128{0x2a00} << 112;
  const int top = family == Family::kIpv4 ? 16 : 48;
  const U128 group = k / 16;
  const std::size_t place = k % 16;
  if (place == 0) return prefix_at(family, base, group, top);
  if (place < 4) return prefix_at(family, base, (group << 4) | place, top + 4);
  return prefix_at(family, base, (((group << 4) | (1 + (place - 4) / 4)) << 4) | (place % 4),
                   top + 8);
}

struct Match {
  std::string source;  // empty: none
  std::string destination;
};

Match match_of(const SyntheticShape& shape, std::size_t route) {
  const Family family = route % 2 == 0 ? Family::kIpv4 : Family::kIpv6;
  const std::size_t of_family = route / 2;
  const std::size_t sources = shape.sources / 2 > 0 ? shape.sources / 2 : 1;
  // A route that moved goes where no other is.
  const std::size_t moved = route == shape.changed_route ? 40'000 : 0;
  const std::size_t only = of_family / 20;
  // Categories 3 and 4 have their own prefixes, so that no two routes have one match.
  if (of_family % 20 == 18) {
    const Prefix source = family == Family::kIpv4
                              ? prefix_at(family, U128{100} << 24, moved + only, 28)
                              : prefix_at(family, U128{0x2610} << 112, moved + only, 60);
    return {source.to_string(), {}};
  }
  if (of_family % 20 == 19) {
    return {{}, destination_prefix(family, moved + 20'000 + only).to_string()};
  }
  const std::size_t pair = of_family - of_family / 20 * 2;
  return {source_prefix(family, pair % sources).to_string(),
          destination_prefix(family, moved + pair / sources).to_string()};
}

std::string peer_name(std::size_t number) { return "site-" + std::to_string(number); }

void add_peer(std::string& text, const std::string& name, const std::string& address) {
  text += "  - name: " + name + "\n    address: " + address + "\n    public_key: \"" +
          public_key_text(name) + "\"\n";
}

}  // namespace

std::string public_key_text(const std::string& name) {
  PublicKey key;
  key.bytes = name_hash("synthetic key", name);
  return key.to_string();
}

std::string synthetic_config(const SyntheticShape& shape) {
  std::string text = "version: v1\n\npeers:\n";
  add_peer(text, kSyntheticNode, "192.0.2.1");
  for (std::size_t i = 0; i < shape.peers; ++i) {
    add_peer(text, peer_name(i), "198.51.100." + std::to_string(1 + i % 250));
  }
  text += "\nservices:\n";
  const std::size_t services = std::clamp(shape.routes / 2, std::size_t{1}, shape.services);
  for (std::size_t service = 0; service < services; ++service) {
    text += "  - name: service-" + std::to_string(service) +
            "\n    source_peer: " + kSyntheticNode +
            "\n    target_peer: " + peer_name(service % shape.peers) +
            "\n    transport_type: tcp\n    routes:\n";
    // Two routes in a row, one of each family, belong to one service.
    for (std::size_t route = 0; route < shape.routes; ++route) {
      if (route / 2 % services != service) continue;
      const Match match = match_of(shape, route);
      text += "      - priority: " + std::to_string(100 + route % 7) + "\n";
      if (!match.source.empty()) text += "        source_cidr: " + match.source + "\n";
      if (!match.destination.empty()) text += "        dest_cidr: " + match.destination + "\n";
    }
  }
  return text;
}

}  // namespace arctic::test
