// Configurations of any size, made up: what the scale tests and the benchmarks compile and load.
//
// Deterministic: the same shape gives the same text on every machine. Makes text only, and valid
// text only: no two routes of different services have one match.
#pragma once

#include <cstddef>
#include <string>

namespace arctic::test {

struct SyntheticShape {
  std::size_t routes = 1000;
  std::size_t sources =
      200;  ///< distinct `source_cidr`s, at most 800; nested three deep, half are IPv6
  std::size_t services = 20;
  std::size_t peers = 5;  ///< targets, beside the node itself
  /// The route with this number goes to another destination: a one-route change.
  std::size_t changed_route = static_cast<std::size_t>(-1);
};

inline constexpr const char* kSyntheticNode = "node";

/// A valid public key made of a name: text as `wg pubkey` prints it.
[[nodiscard]] std::string public_key_text(const std::string& name);

/// The text of a configuration in which `node` is the source peer of every service. Nine routes in
/// ten have source and destination, the others one of the two.
[[nodiscard]] std::string synthetic_config(const SyntheticShape& shape);

}  // namespace arctic::test
