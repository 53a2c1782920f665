#include "cli/live.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/node.h"
#include "cli/plan_view.h"
#include "compiler/compile.h"
#include "runtime/host/guard.h"

namespace arctic::cli {

namespace {

/// What the runtimes of this version cannot do on the node; never left out in silence.
Diagnostics not_there_yet(const Config& config, const std::string& node) {
  Diagnostics problems;
  for (const Service& service : config.services) {
    const bool ours = service.source_peer.value == node || service.target_peer.value == node;
    if (!ours || !service.transport || service.transport->value == Transport::kTcp) continue;
    problems.error(
        0, service.transport->span,
        "`transport_type: kcp` is not there yet: this version of Pegasus carries `tcp` alone",
        "write `transport_type: tcp` until it is");
  }
  return problems;
}

}  // namespace

Result<Target> target_for(Session& session, const Loaded& loaded, const std::string& said_node) {
  ARCTIC_TRY(const std::string node, live_node(session, loaded.config, said_node));
  const Diagnostics missing = not_there_yet(loaded.config, node);
  if (missing.has_errors()) {
    return tl::unexpected<Error>(refuse(session, loaded.input, missing));
  }
  return target_of(compile(loaded.config, node), loaded.config, loaded.input.text);
}

void note_prune(Plan& plan) {
  if (!needs_prune(plan)) return;
  plan.notices.push_back(dropped_text(plan) + "; `arctic apply` refuses this without --prune");
}

const std::string& node_of(const Plan& plan) {
  return plan.target.node.empty() ? plan.node : plan.target.node;
}

std::string standing(const std::string& node, const std::string& generation) {
  if (generation.empty()) return fmt::format("{} has nothing of Arctic.", visible(node));
  return fmt::format("{} is at generation {}.", visible(node), visible(generation));
}

void print_plan(Session& session, const Plan& plan, bool full) {
  Report& report = session.report;
  for (const std::string& notice : plan.notices) report.warn(notice);
  if (plan.interrupted) {
    report.warn("the last apply on this node was interrupted; this plan starts from what it left");
  }
  print_changes(report, plan.changes, full);
  if (!plan.changes.empty()) {
    report.out(summary_of(count(plan.changes)) + "\n");
    return;
  }
  // The kernel may be right already while the generation's record is another one.
  const std::string& node = node_of(plan);
  report.out(plan.nothing_to_do()
                 ? "No changes. " + standing(node.empty() ? "This node" : node, plan.generation)
                 : fmt::format("No changes but the record: {} becomes generation {}.",
                               visible(node), plan.target_generation));
  report.out("\n");
}

nlohmann::ordered_json plan_json(const Plan& plan) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
  };
  return {{"node", or_null(node_of(plan))},
          {"generation", or_null(plan.generation)},
          {"target_generation", or_null(plan.target_generation)},
          {"interrupted", plan.interrupted},
          {"up_to_date", plan.nothing_to_do()},
          {"notices", plan.notices},
          {"changes", changes_json(plan.changes)},
          {"counts", counts_json(count(plan.changes))}};
}

}  // namespace arctic::cli
