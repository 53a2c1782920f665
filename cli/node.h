// Which node a command is about: --node, the node key, or all of them.
//
// Called by the commands that compile. Live commands refuse a key of another peer; offline ones
// take
// --node as it is said, because in CI the machine is not a node.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "schema/config.h"

namespace arctic::cli {

/// For plan, apply, status: the peer whose key this machine has, checked against `said`; `said`
/// alone where there is no key.
[[nodiscard]] Result<std::string> live_node(const Session& session, const Config& config,
                                            const std::string& said);

/// For trace: `said`, else the peer of the node key, else the only peer that services start at.
[[nodiscard]] Result<std::string> offline_node(const Session& session, const Config& config,
                                               const std::string& said);

/// For compile and diff: `said`, else the peer of the node key, else all, sorted by name.
[[nodiscard]] Result<std::vector<std::string>> offline_nodes(const Session& session,
                                                             const Config& config,
                                                             const std::string& said, bool all);

/// Adds --node.
void add_node(CLI::App& app, std::string& node);

}  // namespace arctic::cli
