#include "runtime/host/apply.h"

#include <algorithm>

#include "runtime/host/generations.h"
#include "runtime/host/guard.h"
#include "runtime/host/journal.h"
#include "runtime/host/records.h"
#include "runtime/host/runtimes.h"
#include "runtime/host/undo.h"

namespace arctic {
namespace {

/// One apply from its first line in the journal to its last.
class Run {
 public:
  Run(Host& host, const Plan& plan, const ApplyOptions& options, const Progress& progress)
      : host_(host), plan_(plan), options_(options), progress_(progress) {
    const Changes& changes = plan.changes;
    steps_ = changes.size() - changes.nft.size() + (changes.nft.empty() ? 0 : 1);
  }

  Result<Outcome> run() {
    for (const auto phase : {&Run::record, &Run::prepare, &Run::commit, &Run::put_files,
                             &Run::retire, &Run::read_back, &Run::finish}) {
      if (auto status = (this->*phase)(); !status) {
        return tl::unexpected<Error>(undo(std::move(status).error()));
      }
    }
    Outcome outcome{plan_.target_generation, plan_.sequence, count(plan_.changes), {}};
    tidy_up(outcome);
    return outcome;
  }

 private:
  Status record();
  Status prepare();
  Status commit();
  Status put_files();
  Status retire();
  Status read_back();
  Status finish();
  void tidy_up(Outcome& outcome);
  Error undo(Error cause);

  Status perform_all(const char* phase, const std::vector<Change>& changes);
  Status begin_phase(const char* phase, const std::vector<Change>& changes);
  std::string announce(const std::string& what);
  [[nodiscard]] GenerationName name() const { return {plan_.sequence, plan_.target_generation}; }

  Host& host_;
  const Plan& plan_;
  const ApplyOptions& options_;
  const Progress& progress_;
  std::size_t step_ = 0;
  std::size_t steps_ = 0;
  Reached reached_ = Reached::kNothing;
};

Status Run::begin_phase(const char* phase, const std::vector<Change>& changes) {
  if (changes.empty()) return {};
  return write_entry(host_, JournalPhase{plan_.sequence, phase, step_list(changes)});
}

std::string Run::announce(const std::string& what) {
  ++step_;
  if (progress_) progress_(step_, steps_, what);
  return "step " + std::to_string(step_) + " of " + std::to_string(steps_) + ", " + what;
}

Status Run::perform_all(const char* phase, const std::vector<Change>& changes) {
  ARCTIC_CHECK(begin_phase(phase, changes));
  for (const Change& change : changes) {
    const std::string where = announce(step_text(change));
    auto status = host_.perform(change);
    if (status) continue;
    Error error = std::move(status).error();
    if (error.where.empty()) error.where = where;
    return tl::unexpected<Error>(std::move(error));
  }
  return {};
}

/// What must be on disk before anything changes.
Status Run::record() {
  ARCTIC_CHECK(tidy_journal(host_, plan_.history));
  reached_ = Reached::kRecorded;
  ARCTIC_CHECK(write_entry(
      host_, JournalStart{plan_.sequence, host_.now(), options_.who, plan_.target.node,
                          plan_.generation, plan_.target_generation, plan_.changes.size()}));
  if (!plan_.target.destroy) ARCTIC_CHECK(write_generation(host_, name(), plan_.target));
  const SysctlRecords during = records_during(plan_.records, plan_.actual, plan_.target.desired);
  if (during != plan_.records) ARCTIC_CHECK(write_records(host_, during));
  return {};
}

Status Run::prepare() {
  ARCTIC_CHECK(prepare_runtimes(host_, plan_));
  if (!plan_.changes.prepare.empty()) reached_ = Reached::kPrepared;
  return perform_all("prepare", plan_.changes.prepare);
}

Status Run::commit() {
  const std::vector<Change>& nft = plan_.changes.nft;
  if (!nft.empty()) {
    ARCTIC_CHECK(begin_phase("commit", nft));
    const std::string where = announce("nftables transaction");
    reached_ = Reached::kPrepared;
    if (auto status = host_.commit(nft); !status) {
      Error error = std::move(status).error();
      if (error.where.empty()) error.where = where;
      return tl::unexpected<Error>(std::move(error));
    }
  }
  reached_ = Reached::kCommitted;
  return commit_runtimes(host_, plan_);
}

Status Run::put_files() { return perform_all("files", plan_.changes.files); }

Status Run::retire() {
  ARCTIC_CHECK(retire_runtimes(host_, plan_));
  return perform_all("retire", plan_.changes.retire);
}

Status Run::read_back() {
  if (plan_.changes.empty()) return {};
  ARCTIC_TRY(const auto rest, differences(host_, plan_.target.desired, plan_.records));
  if (rest.empty()) return {};
  return fail(ErrorCode::kFailure, "read-back",
              "the node is not as it should be after everything was made: " + list_text(rest),
              "something else on this node changes the same things; `arctic plan` shows them");
}

Status Run::finish() {
  JournalEnd end;
  end.sequence = plan_.sequence;
  end.time = host_.now();
  if (!plan_.target.destroy) {
    end.node = plan_.target.node;
    end.generation = plan_.target_generation;
    end.services = plan_.target.services;
  }
  return write_entry(host_, end);
}

/// After the end nothing is undone any more: what fails here does no harm, and the next apply makes
/// up for it.
void Run::tidy_up(Outcome& outcome) {
  const auto note = [&](const Status& status) {
    if (!status) outcome.notices.push_back(status.error().message());
  };
  const NodeState& desired = plan_.target.desired;
  const SysctlRecords during = records_during(plan_.records, plan_.actual, desired);
  const SysctlRecords after = records_after(during, desired);
  if (after != during) note(write_records(host_, after));
  note(prune_generations(host_, plan_.history.failed, plan_.target_generation));
}

Error Run::undo(Error cause) {
  if (reached_ == Reached::kNothing) return cause;
  const Undone undone = go_back(host_, plan_, reached_);
  JournalEnd end;
  end.sequence = plan_.sequence;
  end.time = host_.now();
  end.result = undone.complete ? ApplyResult::kUndone : ApplyResult::kPartly;
  end.node = plan_.node;
  end.generation = plan_.generation;
  end.services = plan_.services_before;
  end.error = cause.message();
  // Without this line the next plan says that an apply was interrupted, which is as true.
  (void)write_entry(host_, end);
  if (undone.complete) {
    if (!cause.hint.empty()) cause.hint += "; ";
    cause.hint += "the node is as it was before";
    return cause;
  }
  return Error{ErrorCode::kPartly, cause.subject,
               cause.reason + "; going back failed too: " + undone.failure +
                   (undone.left.empty() ? "" : "; left: " + list_text(undone.left)),
               cause.where, "`arctic apply` starts from what is there and repairs it"};
}

}  // namespace

Result<Outcome> apply(Host& host, const Plan& plan, const ApplyOptions& options,
                      const Progress& progress) {
  ARCTIC_CHECK(check_prune(plan, options.prune));
  if (plan.nothing_to_do()) return Outcome{plan.generation, 0, {}, {}};
  return Run(host, plan, options, progress).run();
}

}  // namespace arctic
