#include <string>

#include "compiler/lower_parts.h"

namespace arctic {
namespace {

// The preferences of the data plane; where a packet goes from one rule to another, and why, is in
// the documentation of the data plane.
constexpr std::uint32_t kSkipForwarded = 5100;
constexpr std::uint32_t kForwarded = 5101;
constexpr std::uint32_t kCaptured = 5102;
constexpr std::uint32_t kUnmarked = 5108;
constexpr std::uint32_t kFromTunnel = 5109;
constexpr std::uint32_t kToTunnel = 5110;
constexpr std::uint32_t kEnd = 5119;

constexpr std::uint32_t kUnreachableMetric = 0xff000000U;
constexpr std::uint32_t kIpv6DefaultMetric = 1024;

std::uint32_t default_metric(Family family) {
  return family == Family::kIpv4 ? 0 : kIpv6DefaultMetric;
}

PolicyRule rule_of(Family family, std::uint32_t preference, RuleAction action, std::uint32_t target,
                   const std::string& origin) {
  PolicyRule rule;
  rule.family = family;
  rule.preference = preference;
  rule.action = action;
  rule.target = target;
  rule.origin = origin;
  return rule;
}

PolicyRule with_mark(PolicyRule rule, std::uint32_t mark, std::uint32_t mask) {
  rule.mark = mark;
  rule.mask = mask;
  return rule;
}

PolicyRule with_iif(PolicyRule rule, std::string iif) {
  rule.iif = std::move(iif);
  return rule;
}

void add_node_rules(NodeState& state, const NodeView& view, Family family) {
  const Marks& marks = view.marks;
  const std::string origin = origin_of(*view.self);
  const auto rule = [&](std::uint32_t preference, RuleAction action, std::uint32_t target) {
    return rule_of(family, preference, action, target, origin);
  };
  const std::uint32_t captured = marks.captured_bit();
  state.rules.insert(with_iif(rule(kSkipForwarded, RuleAction::kGoto, kCaptured), "lo"));
  state.rules.insert(with_mark(rule(kForwarded, RuleAction::kLookup, kLocalTable),
                               marks.forwarded(), marks.mask()));
  state.rules.insert(with_mark(with_iif(rule(kCaptured, RuleAction::kLookup, kLocalTable), "lo"),
                               captured, captured));
  state.rules.insert(with_mark(rule(kUnmarked, RuleAction::kGoto, kEnd), 0, marks.mask()));
  state.rules.insert(rule(kEnd, RuleAction::kNop, 0));
  state.routes.insert(
      {family, kLocalTable, RouteType::kLocal, default_metric(family), "lo", origin});
}

void add_neighbour(NodeState& state, const Marks& marks, const Neighbour& neighbour,
                   Family family) {
  const std::string origin = origin_of(*neighbour.peer);
  const std::uint32_t table = kPeerTableBase + neighbour.number;
  state.rules.insert(
      with_iif(rule_of(family, kFromTunnel, RuleAction::kGoto, kEnd, origin), neighbour.device));
  state.rules.insert(with_mark(rule_of(family, kToTunnel, RuleAction::kLookup, table, origin),
                               marks.peer(neighbour.number), marks.mask()));
  state.routes.insert(
      {family, table, RouteType::kUnicast, default_metric(family), neighbour.device, origin});
  state.routes.insert({family, table, RouteType::kUnreachable, kUnreachableMetric, {}, origin});
}

}  // namespace

void lower_routing(const NodeView& view, NodeState& state) {
  for (const Family family : kFamilies) {
    add_node_rules(state, view, family);
    for (const Neighbour& neighbour : view.neighbours) {
      add_neighbour(state, view.marks, neighbour, family);
    }
  }
}

}  // namespace arctic
