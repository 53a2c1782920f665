#include <algorithm>
#include <iterator>

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
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(plan.dropped));
  plan.services_dropped = plan.dropped.size();
}

/// True if one of `kept`, newest first, has this text for the file: then nobody has changed it.
Result<bool> is_as_written(Host& host, const std::vector<GenerationName>& kept,
                           const std::string& path, const std::string& content) {
  const std::string name = path == kPegasusConfigPath ? "/pegasus.json" : "/tempest.json";
  for (auto each = kept.rbegin(); each != kept.rend(); ++each) {
    ARCTIC_TRY(const auto text, host.read_file(each->folder() + name));
    if (text == content) return true;
  }
  return false;
}

/// The runtimes' files are replaced whatever is in them: say so where that is somebody's work.
Status add_file_notices(Host& host, const std::vector<GenerationName>& kept, Plan& plan) {
  for (const auto& [path, file] : plan.target.desired.files) {
    const auto now = plan.actual.files.find(path);
    if (now == plan.actual.files.end() || now->second == file) continue;
    const std::string& content = now->second.content;
    const bool ours = is_our_file(path, content);
    // Without the generations' folders it cannot be told from an older one of ours.
    if (ours && kept.empty()) continue;
    ARCTIC_TRY(const bool as_written, is_as_written(host, kept, path, content));
    if (as_written) continue;
    if (!plan.generation.empty()) {
      plan.notices.push_back(path + " was changed since Arctic wrote it; apply replaces it");
    } else if (!ours) {
      plan.notices.push_back(path + " was not written by Arctic; apply replaces it");
    }
  }
  return {};
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
}

/// Nothing to take off but a table of our name that is not ours: that is no reason to refuse.
void leave_foreign_table(Plan& plan, const Target& target) {
  if (!target.destroy || !plan.actual.table || plan.actual.table->ours) return;
  NodeState rest = plan.actual;
  rest.table.reset();
  if (!diff(rest, target.desired).empty()) return;
  plan.actual = std::move(rest);
  plan.notices.emplace_back(
      "there is a table inet arctic that was not made by Arctic; it stays as it is");
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
              "routes are left out; run `arctic apply` again once it is on");
  }
  ARCTIC_CHECK(look_at_leaving_links(host, target.desired, plan.actual));
  ARCTIC_CHECK(resolve_ports(target.desired, plan.actual));
  leave_foreign_table(plan, target);
  ARCTIC_CHECK(check_foreign(plan.actual, target.desired));
  ARCTIC_CHECK(check_parents(plan.actual, target.desired));

  plan.target = std::move(target);
  if (!plan.target.destroy) plan.target_generation = plan.target.artifacts.generation();
  plan.changes = diff(plan.actual, plan.target.desired);
  count_services(plan);
  add_state_notices(plan);
  ARCTIC_CHECK(add_file_notices(host, kept, plan));
  ARCTIC_TRY(auto notices, runtime_notices(host, plan.target));
  plan.notices.insert(plan.notices.end(), notices.begin(), notices.end());
  return plan;
}

}  // namespace arctic
