#include "runtime/host/undo.h"

#include "runtime/host/generations.h"
#include "runtime/host/journal.h"
#include "runtime/host/look.h"
#include "runtime/host/records.h"
#include "runtime/host/runtimes.h"

namespace arctic {
namespace {

constexpr std::size_t kListedSteps = 100;
constexpr std::size_t kShownSteps = 6;

/// Makes changes one by one, going on after a failure; remembers the first.
class Repair {
 public:
  explicit Repair(Host& host) : host_(host) {}

  void perform(const std::vector<Change>& changes) {
    for (const Change& change : changes) note(host_.perform(change));
  }
  void note(const Status& status) {
    if (!status && failure_.empty()) failure_ = status.error().message();
  }
  [[nodiscard]] bool good() const { return failure_.empty(); }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  Host& host_;
  std::string failure_;
};

/// Before the transaction nftables and files are untouched, and going back leaves them alone: not
/// even drift in them may be repaired now.
void keep_uncommitted(Changes& changes, Reached reached) {
  if (reached == Reached::kCommitted) return;
  changes.nft.clear();
  changes.files.clear();
}

Result<NodeState> look_again(Host& host, const Plan& plan) {
  NodeState wanted;
  wanted.links = plan.target.desired.links;
  wanted.sysctls = plan.target.desired.sysctls;
  wanted.files = plan.target.desired.files;
  wanted.sysctls.insert(plan.actual.sysctls.begin(), plan.actual.sysctls.end());
  wanted.files.insert(plan.actual.files.begin(), plan.actual.files.end());
  return look(host, wanted, {});
}

/// A transaction that was reported as failed may have been made all the same, its answer lost.
Reached really_reached(const Plan& plan, const NodeState& now, Reached reached) {
  const bool made = reached == Reached::kPrepared && !plan.changes.nft.empty() &&
                    diff(now, plan.target.desired).nft.empty();
  return made ? Reached::kCommitted : reached;
}

Changes way_back(const Plan& plan, const NodeState& now, Reached reached) {
  Changes changes = diff(now, restorable(plan.actual, now));
  keep_uncommitted(changes, reached);
  return changes;
}

void make_way_back(const Changes& changes, Reached reached, Host& host, Repair& repair) {
  repair.perform(changes.prepare);
  // The old rules need what prepare brings back; without it the new ones are the safer ones, and
  // what they need is still there.
  if (reached == Reached::kCommitted && !repair.good()) return;
  if (!changes.nft.empty()) repair.note(host.commit(changes.nft));
  if (reached == Reached::kCommitted && !repair.good()) return;
  repair.perform(changes.files);
  repair.perform(changes.retire);
}

void append_steps(const std::vector<Change>& changes, std::vector<std::string>& steps) {
  for (const Change& change : changes) steps.push_back(step_text(change));
}

std::vector<std::string> all_steps(const Changes& changes) {
  std::vector<std::string> steps;
  for (const auto* group : {&changes.prepare, &changes.nft, &changes.files, &changes.retire}) {
    append_steps(*group, steps);
  }
  return steps;
}

Undone restore_node(Host& host, const Plan& plan, Reached reached) {
  const auto now = look_again(host, plan);
  if (!now) return {false, now.error().message(), all_steps(plan.changes)};
  reached = really_reached(plan, *now, reached);
  const Changes changes = way_back(plan, *now, reached);
  Repair repair(host);
  repair.note(abort_runtimes(host, plan));
  make_way_back(changes, reached, host, repair);
  const auto after = look_again(host, plan);
  if (!after) return {false, after.error().message(), all_steps(changes)};
  const Changes rest = way_back(plan, *after, reached);
  if (rest.empty()) return {true, {}, {}};
  return {false, repair.good() ? "the node does not become what it was" : repair.failure(),
          all_steps(rest)};
}

}  // namespace

Undone go_back(Host& host, const Plan& plan, Reached reached) {
  Undone undone{true, {}, {}};
  if (reached >= Reached::kPrepared) {
    // An undo that the journal does not mention is better than none.
    (void)write_entry(host, JournalPhase{plan.sequence, "undo", {}});
    undone = restore_node(host, plan, reached);
  }
  if (!undone.complete) return undone;
  // A record or a folder that stays behind does no harm: the parameter no longer has our value, and
  // the next apply removes the folders of failed ones.
  if (records_during(plan.records, plan.actual, plan.target.desired) != plan.records) {
    (void)write_records(host, plan.records);
  }
  if (!plan.target.destroy) {
    (void)host.remove_folder(GenerationName{plan.sequence, plan.target_generation}.folder());
  }
  return undone;
}

Result<std::vector<std::string>> differences(Host& host, const NodeState& desired,
                                             const SysctlRecords& records) {
  ARCTIC_TRY(const NodeState now, look(host, desired, records));
  return all_steps(diff(now, desired));
}

std::string step_text(const Change& change) {
  static constexpr const char* kVerbs[] = {"add", "change", "remove"};
  const Description description = describe(change);
  return std::string(kVerbs[static_cast<std::size_t>(description.action)]) + " " +
         description.kind + " " + description.identity;
}

std::vector<std::string> step_list(const std::vector<Change>& changes) {
  std::vector<std::string> steps;
  for (const Change& change : changes) {
    if (steps.size() == kListedSteps) {
      steps.push_back("and " + std::to_string(changes.size() - kListedSteps) + " more");
      break;
    }
    steps.push_back(step_text(change));
  }
  return steps;
}

std::string list_text(const std::vector<std::string>& steps) {
  std::string text;
  for (std::size_t i = 0; i < steps.size() && i < kShownSteps; ++i) {
    text += (i == 0 ? "" : ", ") + steps[i];
  }
  if (steps.size() > kShownSteps) {
    text += " and " + std::to_string(steps.size() - kShownSteps) + " more";
  }
  return text;
}

}  // namespace arctic
