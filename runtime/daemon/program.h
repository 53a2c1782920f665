// What the main functions of both runtimes are made of: words, errors, signals, paths.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "runtime/daemon/node_key.h"
#include "schema/base/result.h"

namespace arctic {

/// Says it on standard error, in `program`'s name; the exit code for it (docs/exit-codes.md).
int report(const std::string& program, const Error& error);

/// What the words say goes where `app` has it. An exit code if there is nothing more to do: help or
/// the version was asked for and is printed, or the words are wrong and it is said why.
[[nodiscard]] std::optional<int> read_words(CLI::App& app, int argc, char** argv);

/// Those that a runtime takes in its own time (SIGTERM, SIGINT, SIGHUP), and SIGPIPE. Before the
/// first thread, which inherits it.
void block_signals();

/// What is read again later must not depend on where the process was started. Empty stays empty.
[[nodiscard]] std::string absolute_path(const std::string& path);

/// For `--check`: kRefused if the key that is found here is another peer's. A configuration may be
/// checked far from its node: that there is no key is noted on standard error, and no error.
[[nodiscard]] Status check_key(const std::string& program, const NodeClaim& claim,
                               const std::string& root);

}  // namespace arctic
