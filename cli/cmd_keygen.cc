#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "runtime/host/apply.h"
#include "runtime/host/identity.h"

namespace arctic::cli {

namespace {

Result<ExitCode> keygen(Session& session, const std::string& out, bool force) {
  const std::string path = out.empty() ? session.root + kNodeKeyPath : out;
  ARCTIC_TRY(const PublicKey key, generate_key(path, force));
  if (session.json) {
    const nlohmann::ordered_json data = {{"public_key", key.to_string()},
                                         {"private_key_file", path}};
    session.report.out(data.dump(2) + "\n");
  } else {
    session.report.out(key.to_string() + "\n");
  }
  session.report.say(fmt::format(
      "The private key is in {}. The line above is the `public_key` of this peer.", path));
  return ExitCode::kSuccess;
}

}  // namespace

Run define_keygen(CLI::App& app, Session& session) {
  struct Options {
    std::string out;
    bool force = false;
  };
  auto options = std::make_shared<Options>();
  app.add_option("--out", options->out,
                 "where the private key goes; default: " + std::string(kNodeKeyPath))
      ->type_name("FILE");
  app.add_flag("--force", options->force, "replace a key that is there");
  return [&session, options] { return keygen(session, options->out, options->force); };
}

}  // namespace arctic::cli
