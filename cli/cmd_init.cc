#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/plan_view.h"
#include "cli/starter.h"

namespace arctic::cli {

namespace {

constexpr const char* kNext =
    "Next: put your addresses in, run `arctic keygen` on each peer and write what it prints as its "
    "public_key, then `arctic validate`.";

Result<ExitCode> run(Session& session, const std::string& file) {
  if (file == "-") {
    session.report.out(kStarter);
    return ExitCode::kSuccess;
  }
  const std::filesystem::path path(file.empty() ? "arctic.yaml" : file);
  ARCTIC_CHECK(create_file(path.string(), kStarter));
  nlohmann::ordered_json files = {path.string()};
  // The schema lies beside the file so that editors find it without a network; one that is there
  // already serves as well.
  const std::string schema = (path.parent_path() / kSchemaName).string();
  if (!std::filesystem::exists(schema)) {
    ARCTIC_CHECK(create_file(schema, kSchema));
    files.push_back(schema);
  }
  if (session.json) session.report.out(json_text({{"files", files}}));
  for (const auto& name : files) session.report.say("wrote " + name.get<std::string>());
  session.report.say(kNext);
  return ExitCode::kSuccess;
}

}  // namespace

Run define_init(CLI::App& app, Session& session) {
  auto file = std::make_shared<std::string>();
  app.add_option("FILE", *file, "default: arctic.yaml; `-`: standard output")->type_name("");
  return [&session, file] { return run(session, *file); };
}

}  // namespace arctic::cli
