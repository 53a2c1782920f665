#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/input.h"
#include "cli/plan_view.h"
#include "cli/unified_diff.h"
#include "schema/format/format_config.h"

namespace arctic::cli {

namespace {

struct Options {
  std::string file;
  bool write = false;
  bool check = false;
};

Result<std::string> formatted(Session& session, const Input& input) {
  Diagnostics diagnostics;
  auto text = format_config(input.text, diagnostics);
  if (diagnostics.has_errors()) {
    return tl::unexpected<Error>(refuse(session, input, diagnostics, " and is left as it is"));
  }
  if (!text) {
    Error error = text.error();
    error.subject = input.name;
    return tl::unexpected<Error>(std::move(error));
  }
  return text;
}

Result<ExitCode> run(Session& session, const Options& options) {
  ARCTIC_TRY(const std::string path, find_file(session, options.file));
  if (options.write && path == "-") {
    return fail(ErrorCode::kUsage, "--write", "standard input cannot be written back",
                "leave --write out: the result goes to standard output");
  }
  ARCTIC_TRY(const Input input, read_input(path));
  ARCTIC_TRY(const std::string text, formatted(session, input));
  const bool changed = text != input.text;
  if (session.json) {
    session.report.out(json_text(
        {{"file", input.name},
         {"canonical", !changed},
         {"diff", unified_diff(input.name, input.name + " (formatted)", input.text, text)}}));
  }
  if (options.check) {
    if (!session.json) {
      session.report.out(unified_diff(input.name, input.name + " (formatted)", input.text, text));
    }
    return changed ? ExitCode::kDiffers : ExitCode::kSuccess;
  }
  if (options.write) {
    if (changed) {
      ARCTIC_CHECK(write_file(path, text));
      session.report.say("formatted " + path);
    }
    return ExitCode::kSuccess;
  }
  if (!session.json) session.report.out(text);
  return ExitCode::kSuccess;
}

}  // namespace

Run define_fmt(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  add_file(app, options->file);
  auto* write = app.add_flag("--write", options->write, "replace the file");
  app.add_flag("--check", options->check, "print the difference, exit 2 if there is one")
      ->excludes(write);
  return [&session, options] { return run(session, *options); };
}

}  // namespace arctic::cli
