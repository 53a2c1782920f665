// The rule plan: all routes of the services that enter at one node, totally ordered.
//
// The first rule that matches a packet decides its service. nftables rules and maps, trace and the
// checks are all derived from this list. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/allocate.h"
#include "schema/config.h"

namespace arctic {

enum class Category : std::uint8_t { kInterface = 1, kPair = 2, kSource = 3, kDestination = 4 };

/// "interface", "pair", "source", "destination".
[[nodiscard]] const char* to_string(Category category);

struct Rule {
  Category category = Category::kInterface;
  std::optional<Prefix> source;       ///< as written; absent for kInterface and kDestination
  std::optional<Prefix> destination;  ///< as written; absent for kInterface and kSource
  std::uint32_t priority = 0;         ///< 0 for kInterface
  std::uint32_t service = 0;          ///< index into Config::services
  std::int32_t route = -1;            ///< position in the service's routes; -1 for kInterface

  /// REQUIRES: not kInterface, which has no family.
  [[nodiscard]] Family family() const { return source ? source->family : destination->family; }
};

struct RulePlan {
  std::string node;         ///< the peer whose plan this is
  std::vector<Rule> rules;  ///< sorted; the rank of rules[i] is i + 1
};

/// Compares by category, source length, destination length (both longer first), priority (higher
/// first), service name, position. Total over the rules of one node.
[[nodiscard]] bool comes_before(const Config& config, const Rule& a, const Rule& b);

/// REQUIRES: `node` names a peer of `config`, and `config` has no errors.
[[nodiscard]] RulePlan order(const Config& config, const std::string& node);

/// The same from the services listed (indices into Config::services), for who has grouped them
/// already. Safe on a Config with errors: routes that are malformed, or lack a match or a priority,
/// are passed over.
[[nodiscard]] RulePlan order_services(const Config& config, const std::string& node,
                                      const std::vector<std::uint32_t>& services);

/// "syd-to-lon/0" for a route, "syd-to-lon" for an interface: comments, plan lines, reports.
[[nodiscard]] std::string route_label(const Config& config, const Rule& rule);

}  // namespace arctic
