#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/input.h"
#include "compiler/load.h"

namespace arctic::cli {

namespace {

Result<ExitCode> validate(Session& session, const std::string& file, bool strict) {
  ARCTIC_TRY(const Input input, read_config_text(session, file));
  Diagnostics diagnostics;
  const Config config = load(input.text, diagnostics);
  const bool valid = !diagnostics.has_errors() && !(strict && diagnostics.warnings() > 0);
  if (session.json) {
    session.report.out(problems_json(input, diagnostics, valid));
    return valid ? ExitCode::kSuccess : ExitCode::kConfig;
  }
  session.report.diagnostics(diagnostics, input.name, input.text);
  if (!valid) {
    return fail(ErrorCode::kConfig, input.name, "has " + problem_count(diagnostics),
                diagnostics.has_errors() ? "" : "--strict does not let warnings pass");
  }
  std::size_t routes = 0;
  for (const Service& service : config.services) routes += service.routes.size();
  session.report.say(fmt::format(
      "{}: valid; {} peers, {} services, {} routes{}{}", input.name, config.peers.size(),
      config.services.size(), routes, config.services.empty() ? ": nothing would be carried" : "",
      diagnostics.warnings() > 0 ? ", " + problem_count(diagnostics) : ""));
  return ExitCode::kSuccess;
}

}  // namespace

Run define_validate(CLI::App& app, Session& session) {
  struct Options {
    std::string file;
    bool strict = false;
  };
  auto options = std::make_shared<Options>();
  add_file(app, options->file);
  app.add_flag("--strict", options->strict, "treat warnings as errors");
  return [&session, options] { return validate(session, options->file, options->strict); };
}

}  // namespace arctic::cli
