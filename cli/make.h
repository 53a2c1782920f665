// The common end of apply and destroy: show the plan, ask, make it so, say what came of it.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "runtime/host/apply.h"
#include "runtime/host/host.h"

namespace arctic::cli {

struct MakeOptions {
  std::string question = "Make these changes?";
  std::string command = "apply";
  bool yes = false;
  bool dry_run = false;
  bool full = false;
  bool prune = false;
};

/// --yes, --dry-run, --full.
void add_make_flags(CLI::App& app, MakeOptions& options);

/// The apply lock, or nothing for a dry run.
[[nodiscard]] Result<std::unique_ptr<ApplyLock>> lock_for(Host& host, const MakeOptions& options);

/// REQUIRES: the lock is held unless `options.dry_run`. kUsage without a terminal and --yes.
[[nodiscard]] Result<ExitCode> make(Session& session, Host& host, const Plan& plan,
                                    const MakeOptions& options);

}  // namespace arctic::cli
