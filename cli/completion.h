// Completion scripts, made from the command table so that they know every flag.
//
// Called by the command completion. Pure text.
#pragma once

#include <string>
#include <vector>

namespace arctic::cli {

struct FlagWords {
  std::string name;  ///< "--node", or "-o"
  std::string help;
  bool takes_value = false;
  std::vector<std::string> values;  ///< the only ones, where there are such
};

/// A command, or a command with its verb: {"services", "list"}.
struct CommandWords {
  std::vector<std::string> path;
  std::string summary;
  std::vector<FlagWords> flags;
  std::vector<std::string> arguments;  ///< the only values of its argument; empty: file names
};

/// From the command table, commands and their verbs in its order.
[[nodiscard]] std::vector<CommandWords> completion_words();

/// REQUIRES: `shell` is "bash", "zsh" or "fish".
[[nodiscard]] std::string completion_script(const std::string& shell,
                                            const std::vector<CommandWords>& words);

}  // namespace arctic::cli
