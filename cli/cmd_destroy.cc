#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/make.h"
#include "runtime/host/linux_host.h"

namespace arctic::cli {

namespace {

Result<ExitCode> run(Session& session, const MakeOptions& options) {
  LinuxHost host(session.root);
  ARCTIC_TRY(const auto held, lock_for(host, options));
  ARCTIC_TRY(const Plan made, plan(host, empty_target({})));
  return make(session, host, made, options);
}

}  // namespace

Run define_destroy(CLI::App& app, Session& session) {
  auto options = std::make_shared<MakeOptions>();
  options->command = "destroy";
  options->question = "Take all of this off the node?";
  // The command itself says what the guard of apply asks for.
  options->prune = true;
  add_make_flags(app, *options);
  return [&session, options] { return run(session, *options); };
}

}  // namespace arctic::cli
