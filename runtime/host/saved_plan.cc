#include "runtime/host/saved_plan.h"

#include "runtime/host/state_text.h"
#include "schema/base/hash.h"

namespace arctic {
namespace {

constexpr const char* kCure = "look at the change again with `arctic plan --out`";

}  // namespace

std::string state_digest(const NodeState& state) { return hex(blake2b_256(state_text(state))); }

SavedPlan save(const Plan& plan) {
  return {plan.target.node, plan.target.source_text, plan.generation, plan.target_generation,
          state_digest(plan.actual)};
}

Status check_fresh(const Plan& plan, const SavedPlan& saved) {
  if (plan.target.node != saved.node) {
    return fail(ErrorCode::kRefused, "the saved plan",
                "is for peer `" + saved.node + "`, this node is `" + plan.target.node + "`",
                "apply it there, or plan here");
  }
  if (plan.target_generation != saved.target_generation) {
    return fail(ErrorCode::kRefused, "the saved plan",
                "was made by another version of arctic, which makes something else of its file",
                kCure);
  }
  if (plan.generation != saved.generation) {
    return fail(ErrorCode::kRefused, "the saved plan",
                "is stale: the node was at generation " +
                    (saved.generation.empty() ? "none" : saved.generation) + " and is at " +
                    (plan.generation.empty() ? "none" : plan.generation),
                kCure);
  }
  if (state_digest(plan.actual) != saved.state_digest) {
    return fail(ErrorCode::kRefused, "the saved plan",
                "is stale: someone has changed the node since", kCure);
  }
  return {};
}

bool is_stale(const Plan& plan, const SavedPlan& saved) {
  return !check_fresh(plan, saved).has_value();
}

}  // namespace arctic
