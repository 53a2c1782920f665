#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

#include "cli/command.h"

namespace arctic::cli {

Run define_version(CLI::App&, Session& session) {
  return [&session]() -> Result<ExitCode> {
    session.report.out(session.json
                           ? nlohmann::ordered_json{{"version", ARCTIC_VERSION}}.dump() + "\n"
                           : fmt::format("arctic {}\n", ARCTIC_VERSION));
    return ExitCode::kSuccess;
  };
}

}  // namespace arctic::cli
