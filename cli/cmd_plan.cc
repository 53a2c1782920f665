#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/live.h"
#include "cli/node.h"
#include "cli/plan_view.h"
#include "runtime/host/linux_host.h"
#include "runtime/host/saved_plan.h"
#include "schema/artifact/saved_plan.h"

namespace arctic::cli {

namespace {

struct Options {
  std::string file;
  std::string node;
  std::string out;
  bool detailed = false;
  bool full = false;
};

Result<ExitCode> run(Session& session, const Options& options) {
  ARCTIC_TRY(const Loaded loaded, load_config(session, options.file));
  ARCTIC_TRY(Target target, target_for(session, loaded, options.node));
  LinuxHost host(session.root);
  ARCTIC_TRY(Plan made, plan(host, std::move(target)));
  note_prune(made);
  if (!options.out.empty()) {
    ARCTIC_CHECK(write_file(options.out, encode(save(made)), 0600));
  }
  if (session.json) {
    session.report.out(json_text(plan_json(made)));
  } else {
    print_plan(session, made, options.full);
  }
  if (!options.out.empty()) {
    session.report.say(
        fmt::format("Saved. `arctic apply {}` makes exactly this, or nothing if "
                    "the node changes until then.",
                    options.out));
  }
  return options.detailed && !made.nothing_to_do() ? ExitCode::kDiffers : ExitCode::kSuccess;
}

}  // namespace

Run define_plan(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  add_file(app, options->file);
  add_node(app, options->node);
  app.add_option("--out", options->out, "save the plan for `arctic apply FILE`")->type_name("FILE");
  app.add_flag("--detailed-exitcode", options->detailed, "exit 2 when there are changes");
  app.add_flag("--full", options->full, "show long lists whole");
  return [&session, options] { return run(session, *options); };
}

}  // namespace arctic::cli
