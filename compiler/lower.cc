#include "compiler/compile.h"
#include "compiler/lower_parts.h"

namespace arctic {

NodeState lower(const Config& config, const Numbers& numbers, const RulePlan& plan) {
  NodeState state;
  const NodeView view = view_of(config, numbers, plan.node);
  if (view.idle()) return state;
  state.table = lower_table(config, view, plan);
  lower_links(view, state);
  lower_routing(view, state);
  return state;
}

}  // namespace arctic
