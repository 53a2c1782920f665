// A command's row of the table made into a parser of its flags.
//
// Used by main.cc to run the command and by completion to list its flags.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"

namespace arctic::cli {

struct Parser {
  std::unique_ptr<CLI::App> app;
  Run run;  ///< to be run after app->parse()
};

/// With the command's own flags, and --root, --json, --help.
[[nodiscard]] Parser make_parser(const Command& command, Session& session);

}  // namespace arctic::cli
