// The parts of lowering, one file each; lower() in lower.cc puts them together. Nobody else calls
// them. Each adds the resources of one kind to a desired state, and none of them meets an idle
// node.
#pragma once

#include "compiler/node_state.h"
#include "compiler/node_view.h"
#include "compiler/order.h"

namespace arctic {

/// Table inet arctic: base chains, the rule plan, chains per service and neighbour.
[[nodiscard]] nft::Table lower_table(const Config& config, const NodeView& view,
                                     const RulePlan& plan);

/// Chain classify: from a packet to the service of the first rule of the plan that matches it.
/// REQUIRES: map interface_routes is whole.
void lower_classify(const Config& config, const RulePlan& plan, nft::Table& table);

/// The chains and maps of neighbours: tunnels, zones, marks, and what each may reach (lower_allow).
void lower_neighbours(const NodeView& view, nft::Table& table);

/// Tunnel devices and MACVLANs with their addresses, and the sysctls of both and of the node.
void lower_links(const NodeView& view, NodeState& state);

/// Policy rules 5100 to 5119 and the tables behind them, for both families.
void lower_routing(const NodeView& view, NodeState& state);

}  // namespace arctic
