#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <optional>

#include "cli/command.h"
#include "cli/live.h"
#include "cli/make.h"
#include "cli/node.h"
#include "runtime/host/linux_host.h"
#include "runtime/host/saved_plan.h"
#include "schema/artifact/saved_plan.h"

namespace arctic::cli {

namespace {

struct Options {
  std::string file;
  std::string node;
  MakeOptions make;
  bool force = false;
};

// A configuration file, or a saved plan, which carries one.
struct Wanted {
  Input input;
  std::string node;
  std::optional<SavedPlan> saved;
};

Result<Wanted> read_wanted(const Session& session, const Options& options) {
  ARCTIC_TRY(Input input, read_config_text(session, options.file, kMaxSavedPlanBytes));
  if (!looks_like_saved_plan(input.text)) {
    return Wanted{std::move(input), options.node, std::nullopt};
  }
  auto saved = decode_saved_plan(input.text);
  if (!saved) {
    Error error = saved.error();
    error.subject = input.name;
    error.hint = "make a new one with `arctic plan --out`";
    return tl::unexpected<Error>(std::move(error));
  }
  if (!options.node.empty() && options.node != saved->node) {
    return fail(ErrorCode::kRefused, input.name,
                fmt::format("is a plan for `{}`, not for `{}`", saved->node, options.node),
                "leave --node out, or plan again for that node");
  }
  Wanted wanted{{input.name + " (saved plan)", saved->source_text}, saved->node, *saved};
  return wanted;
}

Result<ExitCode> run(Session& session, const Options& options) {
  ARCTIC_TRY(Wanted wanted, read_wanted(session, options));
  ARCTIC_TRY(const Loaded loaded, load_input(session, std::move(wanted.input)));
  ARCTIC_TRY(Target target, target_for(session, loaded, wanted.node));
  LinuxHost host(session.root);
  ARCTIC_TRY(const auto held, lock_for(host, options.make));
  PlanOptions plan_options;
  plan_options.force = options.force;
  ARCTIC_TRY(Plan made, plan(host, std::move(target), plan_options));
  if (options.make.dry_run && !options.make.prune) note_prune(made);
  if (wanted.saved) {
    ARCTIC_CHECK(check_fresh(made, *wanted.saved));
  }
  return make(session, host, made, options.make);
}

}  // namespace

Run define_apply(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.add_option("FILE", options->file,
                 "the configuration, or a plan saved with `plan --out`; left out: $ARCTIC_FILE, "
                 "./arctic.yaml or /etc/arctic/arctic.yaml; `-`: standard input")
      ->type_name("");
  add_node(app, options->node);
  add_make_flags(app, options->make);
  app.add_flag("--prune", options->make.prune,
               "let all services go, or more than half of four or more");
  app.add_flag("--force", options->force, "go on although this node was another peer before");
  return [&session, options] { return run(session, *options); };
}

}  // namespace arctic::cli
