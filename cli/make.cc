#include "cli/make.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/live.h"
#include "cli/plan_view.h"
#include "runtime/host/guard.h"

namespace arctic::cli {

namespace {

// Ctrl-C while the steps run would only leave work for the next apply: it waits until they are made
// or undone.
class Undisturbed {
 public:
  Undisturbed() {
    sigset_t wait;
    ::sigemptyset(&wait);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&wait, signal);
    ::sigprocmask(SIG_BLOCK, &wait, &before_);
  }
  ~Undisturbed() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

 private:
  sigset_t before_{};
};

std::string who() {
  const char* behind_sudo = std::getenv("SUDO_USER");
  if (behind_sudo != nullptr && *behind_sudo != '\0') return behind_sudo;
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

nlohmann::ordered_json outcome_json(const Outcome& outcome) {
  nlohmann::ordered_json data = {{"generation", nullptr},
                                 {"sequence", outcome.sequence},
                                 {"made", counts_json(outcome.made)},
                                 {"notices", outcome.notices}};
  if (!outcome.generation.empty()) data["generation"] = outcome.generation;
  return data;
}

void print_outcome(Session& session, const Plan& plan, const Outcome& outcome) {
  for (const std::string& notice : outcome.notices) session.report.warn(notice);
  if (session.json) {
    nlohmann::ordered_json data = plan_json(plan);
    data["outcome"] = outcome_json(outcome);
    session.report.out(json_text(data));
    return;
  }
  const std::string& node = node_of(plan);
  session.report.out(fmt::format("Done: {} added, {} changed, {} removed. {}\n", outcome.made.add,
                                 outcome.made.change, outcome.made.remove,
                                 standing(node.empty() ? "This node" : node, outcome.generation)));
}

Result<Outcome> apply_undisturbed(Session& session, Host& host, const Plan& plan,
                                  const MakeOptions& options) {
  const Undisturbed undisturbed;
  ApplyOptions apply_options;
  apply_options.prune = options.prune;
  apply_options.who = who();
  auto outcome = apply(host, plan, apply_options,
                       [&](std::size_t number, std::size_t count, const std::string& what) {
                         session.report.progress(number, count, what);
                       });
  session.report.progress_done();
  return outcome;
}

}  // namespace

void add_make_flags(CLI::App& app, MakeOptions& options) {
  app.add_flag("--yes", options.yes, "do not ask");
  app.add_flag("--dry-run", options.dry_run, "only show the plan");
  app.add_flag("--full", options.full, "show long lists whole");
}

Result<std::unique_ptr<ApplyLock>> lock_for(Host& host, const MakeOptions& options) {
  if (options.dry_run) return std::unique_ptr<ApplyLock>();
  return host.lock();
}

Result<ExitCode> make(Session& session, Host& host, const Plan& plan, const MakeOptions& options) {
  Report& report = session.report;
  const bool idle = plan.nothing_to_do();
  if (session.json && (options.dry_run || idle)) report.out(json_text(plan_json(plan)));
  if (!session.json) print_plan(session, plan, options.full);
  if (options.dry_run || idle) return ExitCode::kSuccess;
  if (!options.yes) {
    if (session.json || !report.can_ask()) {
      return fail(ErrorCode::kUsage, "",
                  session.json ? "with --json nobody is asked; nothing was changed"
                               : "there is no terminal to ask on; nothing was changed",
                  fmt::format("say `arctic {} --yes`", options.command));
    }
    // Rather than after the answer.
    ARCTIC_CHECK(check_prune(plan, options.prune));
    if (!report.ask(options.question)) {
      report.say("Nothing was changed.");
      return ExitCode::kFailure;
    }
  }
  report.flush();
  ARCTIC_TRY(const Outcome outcome, apply_undisturbed(session, host, plan, options));
  print_outcome(session, plan, outcome);
  return ExitCode::kSuccess;
}

}  // namespace arctic::cli
