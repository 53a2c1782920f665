// What a command is: a name, a line of help, and a function that declares its flags.
//
// main.cc holds the table and runs one row of it; completion reads the same table, so that it can
// never fall behind. Each command has its own file, parses flags, calls the rooms below, prints,
// and decides nothing itself.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "cli/report.h"
#include "schema/base/result.h"

namespace CLI {
class App;
}

namespace arctic::cli {

/// What all commands share.
struct Session {
  Report& report;
  std::string root;   ///< --root, without a final slash; empty for the machine itself
  bool json = false;  ///< --json
};

/// Runs after the flags are parsed; an Error is printed and becomes its exit code.
using Run = std::function<Result<ExitCode>()>;

struct Command {
  const char* name;
  const char* summary;
  const char* group;
  Run (*define)(CLI::App& app, Session& session);
};

/// In the order of the help text.
[[nodiscard]] std::span<const Command> commands();
/// nullptr if there is none of that name.
[[nodiscard]] const Command* find_command(std::string_view name);

Run define_init(CLI::App& app, Session& session);
Run define_validate(CLI::App& app, Session& session);
Run define_fmt(CLI::App& app, Session& session);
Run define_compile(CLI::App& app, Session& session);
Run define_diff(CLI::App& app, Session& session);
Run define_plan(CLI::App& app, Session& session);
Run define_apply(CLI::App& app, Session& session);
Run define_destroy(CLI::App& app, Session& session);
Run define_trace(CLI::App& app, Session& session);
Run define_status(CLI::App& app, Session& session);
Run define_keygen(CLI::App& app, Session& session);
Run define_services(CLI::App& app, Session& session);
Run define_routes(CLI::App& app, Session& session);
Run define_peers(CLI::App& app, Session& session);
Run define_completion(CLI::App& app, Session& session);
Run define_version(CLI::App& app, Session& session);

}  // namespace arctic::cli
