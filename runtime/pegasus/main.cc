// pegasus: carries TCP between peers, as its compiled configuration says.
#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

#include "runtime/crypto/key_file.h"
#include "runtime/pegasus/server.h"

namespace arctic {
namespace {

constexpr const char* kConfigPath = "/opt/tillered/pegasus/config.json";

int report(const Error& error) {
  std::fprintf(stderr, "pegasus: error: %s\n", error.message().c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  help: %s\n", error.hint.c_str());
  return static_cast<int>(error.code);
}

Result<PegasusConfig> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kFailure, path, errno_text(errno));
  // One byte more than can be decoded: a bigger file is refused there, and /dev/zero ends here.
  constexpr std::size_t kMostRead = (std::size_t{64} << 20) + 1;
  std::string text;
  std::array<char, 65536> piece;
  while (text.size() < kMostRead && (file.read(piece.data(), piece.size()) || file.gcount() > 0)) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return fail(ErrorCode::kFailure, path, "cannot be read");
  auto config = decode_pegasus_config(text);
  if (!config) {
    Error error = std::move(config).error();
    error.where = error.where.empty() ? path : path + ":" + error.where;
    return tl::unexpected<Error>(std::move(error));
  }
  return std::move(*config);
}

/// What this version cannot do is refused, never left out in silence.
Status check_supported(const PegasusConfig& config) {
  for (const auto& tunnel : config.tunnels) {
    const char* const what = tunnel.transport != Transport::kTcp             ? "transport kcp"
                             : tunnel.limit_mbps != 0                        ? "a bandwidth limit"
                             : tunnel.proxy_protocol != ProxyProtocol::kNone ? "the PROXY protocol"
                                                                             : nullptr;
    if (what == nullptr) continue;
    return fail(ErrorCode::kConfig, "service " + tunnel.service,
                std::string(what) + " is not there yet", "leave it out until it is");
  }
  if (config.metrics) {
    return fail(ErrorCode::kConfig, "metrics", "they are not there yet",
                "leave them out until they are");
  }
  return {};
}

Result<KeyPair> read_identity(const PegasusConfig& config, const std::string& root) {
  const std::string path = root + config.private_key_file;
  ARCTIC_TRY(const auto key, read_key_file(path));
  if (!key) {
    return fail(ErrorCode::kConfig, path, "there is no node key", "`arctic keygen` makes one");
  }
  KeyPair own = KeyPair::of(key->bytes());
  if (config.public_key && *config.public_key != own.point) {
    return fail(ErrorCode::kRefused, path,
                "is not the key of peer " + config.node + ", whose configuration this is",
                "compile the configuration for this node, or bring its key here");
  }
  return own;
}

void wait_for_end() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  int signal = 0;
  ::sigwait(&set, &signal);
}

Status run(const std::string& root, const std::string& path, bool check, std::size_t workers) {
  ARCTIC_TRY(PegasusConfig config, read_config(path));
  ARCTIC_CHECK(check_supported(config));
  if (check) return {};
  ARCTIC_TRY(KeyPair own, read_identity(config, root));
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) sigaddset(&set, each);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  Server::Options options{
      workers, [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }};
  ARCTIC_TRY(const auto server,
             Server::make(std::move(config), std::move(own), std::move(options)));
  server->start();
  wait_for_end();
  server->stop();
  return {};
}

}  // namespace
}  // namespace arctic

int main(int argc, char** argv) {
  CLI::App app("Carries TCP between peers, as its compiled configuration says.", "pegasus");
  std::string root;
  std::string config;
  bool check = false;
  std::size_t workers = std::max(1U, std::thread::hardware_concurrency());
  app.add_option("--root", root, "The folder below which everything lies");
  app.add_option("--config", config, "What to load; default /opt/tillered/pegasus/config.json");
  app.add_flag("--check", check, "Check the configuration and end");
  app.add_option("--workers", workers, "Threads; default one per processor");
  CLI11_PARSE(app, argc, argv);
  const std::string path = config.empty() ? root + arctic::kConfigPath : config;
  const auto done = arctic::run(root, path, check, workers);
  return done ? 0 : arctic::report(done.error());
}
