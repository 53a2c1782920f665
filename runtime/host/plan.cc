#include <algorithm>

#include "runtime/host/apply.h"
#include "runtime/host/generations.h"
#include "runtime/host/guard.h"
#include "runtime/host/journal.h"
#include "runtime/host/look.h"
#include "runtime/host/records.h"
#include "runtime/host/resolve.h"
#include "runtime/host/runtimes.h"

namespace arctic {
namespace {

bool has_something_of_ours(const NodeState& actual) {
  return actual.table.has_value() || !actual.rules.empty() || !actual.routes.empty();
}

void count_services(Plan& plan) {
  const auto file = plan.actual.files.find(kPegasusConfigPath);
  const std::string& wanted = plan.target.artifacts.pegasus_json;
  if (file != plan.actual.files.end() && file->second.content == wanted) {
    plan.services_before = plan.target.services;
    return;
  }
  std::set<std::string> before;
  if (file != plan.actual.files.end()) before = services_in(file->second.content);
  if (before.empty()) {
    // Its file may have been deleted; the journal still knows how many there were.
    plan.services_dropped = plan.services_before > plan.target.services
                                ? plan.services_before - plan.target.services
                                : 0;
    return;
  }
  const std::set<std::string> after = services_in(wanted);
  plan.services_before = before.size();
  plan.services_dropped = static_cast<std::size_t>(
      std::count_if(before.begin(), before.end(),
                    [&](const std::string& name) { return after.count(name) == 0; }));
}

void add_state_notices(Plan& plan) {
  const History& history = plan.history;
  if (history.missing && plan.records.empty() && has_something_of_ours(plan.actual)) {
    plan.notices.push_back(std::string("there is no ") + kJournalPath +
                           ", so it is unknown what the kernel parameters were before Arctic: "
                           "`arctic destroy` leaves those that are set already as they are");
  }
  if (history.damaged > 0) {
    plan.notices.push_back(std::string(kJournalPath) + ": " + std::to_string(history.damaged) +
                           " lines cannot be read and are left out");
  }
  for (const auto& [path, file] : plan.target.desired.files) {
    const auto now = plan.actual.files.find(path);
    if (now == plan.actual.files.end() || now->second == file) continue;
    if (is_our_file(path, now->second.content)) continue;
    plan.notices.push_back(path + " was not written by Arctic; apply replaces it");
  }
}

}  // namespace

Target target_of(const Compiled& compiled, const Config& config, std::string source_text) {
  Target target;
  target.node = compiled.node;
  target.desired = compiled.desired;
  target.artifacts = compiled.artifacts;
  target.source_text = std::move(source_text);
  target.services = static_cast<std::size_t>(
      std::count_if(config.services.begin(), config.services.end(), [&](const Service& service) {
        return service.source_peer.value == compiled.node ||
               service.target_peer.value == compiled.node;
      }));
  return target;
}

Target empty_target(std::string node) {
  Target target;
  target.node = std::move(node);
  target.destroy = true;
  return target;
}

bool Plan::nothing_to_do() const {
  return changes.empty() && generation == target_generation && !interrupted &&
         records_after(records, target.desired) == records;
}

Result<Plan> plan(Host& host, Target target, const PlanOptions& options) {
  Plan plan;
  ARCTIC_CHECK(check_state_folder(host));
  ARCTIC_TRY(plan.history, read_history(host));
  const History& history = plan.history;
  if (history.last) {
    plan.node = history.last->node;
    plan.generation = history.last->generation;
    plan.services_before = history.last->services;
  }
  plan.interrupted = history.interrupted;
  if (!options.force) ARCTIC_CHECK(check_node(plan.node, target));
  ARCTIC_TRY(const auto kept, list_generations(host));
  ARCTIC_TRY(const auto foreign, foreign_generations(host));
  for (const std::string& name : foreign) {
    plan.notices.push_back(std::string(kGenerationsFolder) + "/" + name +
                           " is no generation of Arctic's and is left alone");
  }
  plan.sequence = std::max(history.sequence, kept.empty() ? 0 : kept.back().sequence) + 1;
  ARCTIC_TRY(plan.records, read_records(host));

  ARCTIC_CHECK(resolve_interfaces(host, target.desired));
  ARCTIC_TRY(plan.actual, look(host, target.desired, plan.records));
  resolve_mtus(target.desired, plan.actual);
  if (leave_out_ipv6(target.desired, plan.actual)) {
    plan.notices.emplace_back(
        plan.actual.ipv6 == Ipv6::kAbsent
            ? "this kernel runs without IPv6: what the file says of IPv6 is left out"
            : "IPv6 is switched off here (net.ipv6.conf.all.disable_ipv6): its addresses and "
              "routes "
              "are left out; run `arctic apply` again once it is on");
  }
  ARCTIC_CHECK(look_at_leaving_links(host, target.desired, plan.actual));
  ARCTIC_CHECK(resolve_ports(target.desired, plan.actual));
  ARCTIC_CHECK(check_foreign(plan.actual, target.desired));
  ARCTIC_CHECK(check_parents(plan.actual, target.desired));

  plan.target = std::move(target);
  if (!plan.target.destroy) plan.target_generation = plan.target.artifacts.generation();
  plan.changes = diff(plan.actual, plan.target.desired);
  count_services(plan);
  add_state_notices(plan);
  ARCTIC_TRY(auto notices, runtime_notices(host, plan.target));
  plan.notices.insert(plan.notices.end(), notices.begin(), notices.end());
  return plan;
}

}  // namespace arctic
