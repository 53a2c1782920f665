// tempest: carries all but TCP between peers by the WireGuard protocol; or is one WireGuard
// interface of its own.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>
#include <thread>

#include "runtime/daemon/program.h"
#include "runtime/io/privileges.h"
#include "runtime/tempest/interface_server.h"
#include "runtime/tempest/server.h"

namespace arctic {
namespace {

constexpr const char* kProgram = "tempest";

struct Arguments {
  std::string interface;  ///< the interface's face; empty: the node's
  bool foreground = false;
  std::string root;
  std::string config;  ///< empty: the default below root
  bool check = false;
  bool log_json = false;
  std::size_t workers = std::max(1U, std::thread::hardware_concurrency());

  [[nodiscard]] std::string config_path() const {
    return config.empty() ? root + "/opt/tillered/tempest/config.json" : config;
  }
};

/// Goes on in the background; whoever started it waits until ready() or the end of it, and ends as
/// it did.
class Daemon {
 public:
  static Daemon begin() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::_Exit(1);
    const pid_t child = ::fork();
    if (child < 0) std::_Exit(1);
    if (child > 0) {
      ::close(ends[1]);
      char status = 1;
      const bool told = ::read(ends[0], &status, 1) == 1;
      std::_Exit(told ? status : 1);
    }
    ::close(ends[0]);
    ::setsid();
    return Daemon(ends[1]);
  }
  Daemon() = default;

  void ready() { tell(0); }
  /// What began it ends with that, too.
  void failed(int status) { tell(static_cast<char>(status)); }

 private:
  explicit Daemon(int end) : end_(end) {}
  void tell(char status) {
    if (!end_.valid()) return;
    if (status == 0) {
      const OwnedFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
      for (const int fd : {0, 1, 2}) (void)::dup2(nothing.get(), fd);
    }
    (void)!::write(end_.get(), &status, 1);
    end_ = OwnedFd();
  }
  OwnedFd end_;
};

/// As wireguard-go understands it.
Log::Options log_options() {
  const char* const text = std::getenv("LOG_LEVEL");
  const std::string level = text == nullptr ? "error" : text;
  Log::Options options;
  options.least = level == "verbose" || level == "debug" ? LogLevel::kDebug
                  : level == "info"                      ? LogLevel::kInfo
                                                         : LogLevel::kError;
  if (level == "silent") options.sink = [](std::string_view) {};
  return options;
}

Status run_node(const Arguments& arguments) {
  ARCTIC_TRY(TempestConfigFile config, read_tempest_config_file(arguments.config_path()));
  if (arguments.check) {
    return check_key(kProgram, claim_of(config.config), arguments.root);
  }
  ARCTIC_TRY(KeyPair own, read_identity(claim_of(config.config), arguments.root));
  block_signals();
  const Notify notify = Notify::from_environment();
  Log log({arguments.log_json, LogLevel::kInfo, {}, {}});
  // Before the first thread: what is left is what devices and marks need.
  ARCTIC_CHECK(drop_privileges());
  ARCTIC_TRY(const auto server,
             TempestServer::make(std::move(config), std::move(own), log,
                                 {.workers = arguments.workers,
                                  .root = arguments.root,
                                  .config_path = arguments.config_path(),
                                  .control_socket = arguments.root + "/run/arctic/tempest.sock",
                                  .version = ARCTIC_VERSION}));
  server->run(notify);
  return {};
}

int run_interface(const Arguments& arguments) {
  Daemon daemon = arguments.foreground ? Daemon() : Daemon::begin();
  block_signals();
  Log log(log_options());
  auto server = InterfaceServer::make(log, {arguments.interface, arguments.workers});
  if (!server) {
    const int status = report(kProgram, server.error());
    daemon.failed(status);
    return status;
  }
  daemon.ready();
  (*server)->run();
  return 0;
}

}  // namespace
}  // namespace arctic

int main(int argc, char** argv) {
  CLI::App app("Carries IP between peers by the WireGuard protocol.", arctic::kProgram);
  arctic::Arguments arguments;
  auto* const interface =
      app.add_option("interface", arguments.interface,
                     "Be this WireGuard interface, for wg and wg-quick; else carry the node's "
                     "tunnels");
  app.add_flag("-f,--foreground", arguments.foreground, "With an interface: stay in the foreground")
      ->needs(interface);
  app.add_option("--root", arguments.root, "The folder below which everything lies")
      ->excludes(interface);
  app.add_option("--config", arguments.config,
                 "What to load; default /opt/tillered/tempest/config.json")
      ->excludes(interface);
  app.add_flag("--check", arguments.check, "Check the configuration and end")->excludes(interface);
  app.add_flag("--log-json", arguments.log_json, "Log lines as JSON")->excludes(interface);
  app.add_option("--workers", arguments.workers, "Threads; default one per processor")
      ->check(CLI::Range(1, 256));
  app.set_version_flag("--version", ARCTIC_VERSION);
  if (const auto done = arctic::read_words(app, argc, argv)) return *done;
  if (!arguments.interface.empty()) return arctic::run_interface(arguments);
  for (std::string* const path : {&arguments.root, &arguments.config}) {
    *path = arctic::absolute_path(*path);
  }
  const auto done = arctic::run_node(arguments);
  return done ? 0 : arctic::report(arctic::kProgram, done.error());
}
