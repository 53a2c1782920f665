#include "runtime/daemon/program.h"

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "runtime/usage/usage_error.h"

namespace arctic {

int report(const std::string& program, const Error& error) {
  std::fprintf(stderr, "%s: error: %s\n", program.c_str(), error.message().c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  help: %s\n", error.hint.c_str());
  return static_cast<int>(error.code);
}

std::optional<int> read_words(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);  // prints help or version
  } catch (const CLI::ParseError& wrong) {
    Error error = usage_error(app, wrong);
    error.subject.clear();  // report says it
    return report(app.get_name(), error);
  }
  return std::nullopt;
}

void block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) sigaddset(&set, each);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::string absolute_path(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).string();
}

Status check_key(const std::string& program, const NodeClaim& claim, const std::string& root) {
  ARCTIC_TRY(const auto own, find_identity(claim, root));
  if (!own) std::fprintf(stderr, "%s: note: there is no node key here to check\n", program.c_str());
  return {};
}

}  // namespace arctic
