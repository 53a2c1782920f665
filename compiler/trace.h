// Where a packet goes and why: the rule plan evaluated for one packet.
//
// Three evaluators of one plan exist and must agree: first_match (naive, the definition), Tracer
// (the flattened maps, what the kernel runs where routes are many), and the kernel. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/order.h"

namespace arctic {

struct Packet {
  Address from;
  Address to;                 ///< REQUIRES: of from's family
  std::uint8_t protocol = 6;  ///< IP protocol number
  std::string iif;            ///< the interface it arrives on; empty for none in particular

  /// Nothing speaks against the node itself having made it: no interface is named, or `lo`.
  [[nodiscard]] bool may_be_local() const { return iif.empty() || iif == "lo"; }
};

/// What no node ever captures, whatever the rules: "a multicast address", "the broadcast address",
/// "a link-local address"; nullptr for any other destination. The node's own addresses and the
/// broadcast addresses of its networks are left alone too, but only the node knows them.
[[nodiscard]] const char* never_captured(const Address& to);

/// The definition: the first rule in the list that matches. nullopt: left alone. A packet that the
/// node may have made itself matches category 1 by the address of a service's interface.
[[nodiscard]] std::optional<std::size_t> first_match(const Config& config, const RulePlan& plan,
                                                     const Packet& packet);

/// The same through the flattened interval maps that lower() gives to the kernel for many routes.
class Tracer {
 public:
  Tracer(const Config& config, const RulePlan& plan);
  ~Tracer();
  Tracer(Tracer&&) noexcept;
  Tracer& operator=(Tracer&&) noexcept;

  /// Index into plan.rules of the winner; nullopt: left alone. O(log n), no allocation.
  [[nodiscard]] std::optional<std::size_t> match(const Packet& packet) const;

 private:
  struct Maps;
  std::unique_ptr<Maps> maps_;
};

/// What one category had to say about a packet.
struct CategoryTrace {
  Category category = Category::kInterface;
  std::size_t tried = 0;             ///< rules of the category that were compared
  std::vector<std::size_t> matches;  ///< indices of those that match, best first
};

/// The whole explanation behind `arctic trace`.
struct Explanation {
  std::array<CategoryTrace, 4> categories;
  std::optional<std::size_t> winner;
  std::vector<std::size_t> beaten;  ///< the other matching rules, in order
  std::string why;  ///< one sentence: why the winner beat the next one, or nobody won
};

[[nodiscard]] Explanation explain(const Config& config, const RulePlan& plan, const Packet& packet);

/// "tcp" → 6, "icmp" → 1, "ipv6-icmp" → 58, "udp" → 17, or a number 0-255; nullopt otherwise.
/// A fixed table, so that the answer does not depend on /etc/protocols.
[[nodiscard]] std::optional<std::uint8_t> parse_protocol(std::string_view text);

}  // namespace arctic
