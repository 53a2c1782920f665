#include "compiler/shadow.h"

namespace arctic {

std::vector<std::optional<std::size_t>> shadowed(const RulePlan& plan) {
  return std::vector<std::optional<std::size_t>>(plan.rules.size());
}

}  // namespace arctic
