// Random configurations and packets for the proofs that several evaluators agree.
//
// Prefixes are drawn from few places, so that they nest, repeat and touch; packets sit on their
// edges. The same generator state gives the same values on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "compiler/order.h"
#include "compiler/trace.h"
#include "schema/config.h"

namespace arctic::test {

using Random = std::mt19937_64;

/// 0 … end-1. Unlike the distributions of the standard library, the same everywhere.
[[nodiscard]] std::size_t below(Random& random, std::size_t end);

/// A prefix of length 0 to `width` at the top of the family's addresses: the family has 2^width
/// classes of addresses as far as these prefixes can tell.
[[nodiscard]] Prefix tiny_prefix(Random& random, Family family, int width);

/// A prefix of any length near one of a few places of the family.
[[nodiscard]] Prefix nested_prefix(Random& random, Family family);

/// Services that enter at "syd", some with interfaces, with up to `most_routes` routes in all, of
/// both families and all categories; some with 20 and more nested sources. No two services have
/// routes of one match and priority that would be undefined.
[[nodiscard]] Config random_config(Random& random, std::size_t most_routes);

/// Packets at the edges of a plan's prefixes and next to them, and now and then on an interface.
class PacketSource {
 public:
  PacketSource(const Config& config, const RulePlan& plan);
  [[nodiscard]] Packet next(Random& random) const;

 private:
  [[nodiscard]] U128 pick(Random& random, Family family, const std::vector<U128>& edges) const;

  std::vector<std::string> interfaces_;
  std::vector<U128> sources_[2];
  std::vector<U128> destinations_[2];
};

}  // namespace arctic::test
