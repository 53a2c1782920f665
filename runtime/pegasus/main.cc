// pegasus: carries TCP between peers, as its compiled configuration says.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <thread>

#include "runtime/daemon/program.h"
#include "runtime/io/memory_limit.h"
#include "runtime/io/privileges.h"
#include "runtime/pegasus/server.h"

namespace arctic {
namespace {

constexpr const char* kProgram = "pegasus";

struct Arguments {
  std::string root;
  std::string config;  ///< empty: the default below root
  bool check = false;
  bool log_json = false;
  std::size_t workers = std::max(1U, std::thread::hardware_concurrency());
  std::uint32_t drain_s = kDefaultDrainSeconds;
  std::uint64_t memory_mib = 0;  ///< 0: four fifths of what there is

  [[nodiscard]] std::uint64_t memory_bytes() const {
    return memory_mib == 0 ? memory_limit() / 5 * 4 : memory_mib << 20;
  }
  [[nodiscard]] std::string config_path() const {
    return config.empty() ? root + "/opt/tillered/pegasus/config.json" : config;
  }
};

Status run(const Arguments& arguments) {
  ARCTIC_TRY(ConfigFile config, read_config_file(arguments.config_path()));
  if (arguments.check) {
    return check_key(kProgram, claim_of(config.config), arguments.root);
  }
  ARCTIC_TRY(KeyPair own, read_identity(claim_of(config.config), arguments.root));
  block_signals();
  const Notify notify = Notify::from_environment();
  Log log({arguments.log_json, LogLevel::kInfo, {}, {}});
  ARCTIC_TRY(const auto server,
             Server::make(std::move(config), std::move(own), log,
                          {.workers = arguments.workers,
                           .config_path = arguments.config_path(),
                           .control_socket = arguments.root + "/run/arctic/pegasus.sock",
                           .version = ARCTIC_VERSION,
                           .drain = std::chrono::seconds(arguments.drain_s),
                           .memory = arguments.memory_bytes()}));
  // Ports are bound, and what is bound later lies above 1023: nothing else is needed from now on.
  ARCTIC_CHECK(drop_privileges());
  ARCTIC_TRY(const bool in_order, server->run(notify));
  // A thread that still asks for a name would find nothing to give its answer to.
  if (!in_order) std::_Exit(0);
  return {};
}

}  // namespace
}  // namespace arctic

int main(int argc, char** argv) {
  CLI::App app("Carries TCP between peers, as its compiled configuration says.", arctic::kProgram);
  arctic::Arguments arguments;
  app.add_option("--root", arguments.root, "The folder below which everything lies");
  app.add_option("--config", arguments.config,
                 "What to load; default /opt/tillered/pegasus/config.json");
  app.add_flag("--check", arguments.check, "Check the configuration and end");
  app.add_flag("--log-json", arguments.log_json, "Log lines as JSON");
  app.add_option("--workers", arguments.workers, "Threads; default one per processor")
      ->check(CLI::Range(1, 256));
  app.add_option("--drain", arguments.drain_s,
                 "Seconds that open connections may last after SIGTERM; default 30")
      ->check(CLI::Range(0, 86400));
  app.add_option("--memory", arguments.memory_mib,
                 "MiB from which on new connections are refused; default four fifths of what the "
                 "machine or the control group has")
      ->check(CLI::Range(16, 1 << 24));
  app.set_version_flag("--version", ARCTIC_VERSION);
  if (const auto done = arctic::read_words(app, argc, argv)) return *done;
  for (std::string* const path : {&arguments.root, &arguments.config}) {
    *path = arctic::absolute_path(*path);
  }
  const auto done = arctic::run(arguments);
  return done ? 0 : arctic::report(arctic::kProgram, done.error());
}
