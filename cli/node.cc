#include "cli/node.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>

#include "runtime/host/identity.h"

namespace arctic::cli {

namespace {

std::vector<std::string> all_nodes(const Config& config) {
  std::vector<std::string> names;
  for (const Peer& peer : config.peers) names.push_back(peer.name.value);
  std::sort(names.begin(), names.end());
  return names;
}

// Whose key this machine has, for commands that only want a default: a key that cannot be used is
// as good as none, and said so by the commands that need it.
std::string peer_of_key(const Session& session, const Config& config) {
  const auto key = node_public_key(session.root);
  if (!key || !*key) return {};
  for (const Peer& peer : config.peers) {
    if (peer.public_key && peer.public_key->value == **key) return peer.name.value;
  }
  return {};
}

Result<std::string> known(const Config& config, const std::string& said) {
  return node_of(config, std::nullopt, said);
}

}  // namespace

Result<std::string> live_node(const Session& session, const Config& config,
                              const std::string& said) {
  ARCTIC_TRY(const auto key, node_public_key(session.root));
  return node_of(config, key, said.empty() ? std::nullopt : std::optional(said));
}

Result<std::string> offline_node(const Session& session, const Config& config,
                                 const std::string& said) {
  if (!said.empty()) return known(config, said);
  std::string of_key = peer_of_key(session, config);
  if (!of_key.empty()) return of_key;
  std::set<std::string> entries;
  for (const Service& service : config.services) entries.insert(service.source_peer.value);
  if (entries.size() == 1) return *entries.begin();
  return fail(ErrorCode::kUsage, "", "which node?",
              entries.empty()
                  ? "no service starts anywhere in this file; say --node NAME"
                  : fmt::format("say --node with one of: {}", fmt::join(entries, ", ")));
}

Result<std::vector<std::string>> offline_nodes(const Session& session, const Config& config,
                                               const std::string& said, bool all) {
  if (all) return all_nodes(config);
  std::string one = peer_of_key(session, config);
  if (!said.empty()) {
    ARCTIC_TRY(one, known(config, said));
  }
  return one.empty() ? all_nodes(config) : std::vector<std::string>{one};
}

void add_node(CLI::App& app, std::string& node) {
  app.add_option("--node", node, "the peer to do it for; default: the one with this machine's key")
      ->type_name("NAME");
}

}  // namespace arctic::cli
