// Where a command's configuration comes from: finding the file, reading it, checking it.
//
// Called by every command that takes FILE. Reads at most one file; never writes.
#pragma once

#include <limits>
#include <string>

#include "cli/command.h"
#include "schema/base/diagnostic.h"
#include "schema/config.h"
#include "schema/parse/parse_config.h"

namespace arctic::cli {

struct Input {
  std::string name;  ///< as messages say it: the path, or "standard input"
  std::string text;
};

struct Loaded {
  Input input;
  Config config;  ///< without errors
  Diagnostics diagnostics;
};

/// The file that `argument` names; if that is empty $ARCTIC_FILE, ./arctic.yaml, or
/// /etc/arctic/arctic.yaml below --root. kUsage if there is none of these.
[[nodiscard]] Result<std::string> find_file(const Session& session, const std::string& argument);

/// A configuration may have kMaxFileBytes; a saved plan carries one with its newlines escaped.
inline constexpr std::size_t kMaxSavedPlanBytes = 4 * kMaxFileBytes;
inline constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// `-` is standard input. kFailure for what cannot be read, kConfig for more than `limit` bytes.
[[nodiscard]] Result<Input> read_input(const std::string& path, std::size_t limit = kMaxFileBytes);

/// find_file and read_input.
[[nodiscard]] Result<Input> read_config_text(const Session& session, const std::string& argument,
                                             std::size_t limit = kMaxFileBytes);

/// The problems of a file as JSON for stdout: {"file","valid","errors","warnings","problems":[…]}.
[[nodiscard]] std::string problems_json(const Input& input, const Diagnostics& diagnostics,
                                        bool valid);

/// Shows why a file is not acceptable: each problem with its source line, or the JSON of
/// problems_json; returns what the command ends with. `more` is added to the summary.
[[nodiscard]] Error refuse(Session& session, const Input& input, const Diagnostics& diagnostics,
                           const std::string& more = {});

/// Checks what was read. Errors are shown and returned as one kConfig; warnings are only counted on
/// stderr.
[[nodiscard]] Result<Loaded> load_input(Session& session, Input input);

/// All of the above.
[[nodiscard]] Result<Loaded> load_config(Session& session, const std::string& argument);

/// "2 errors, 1 warning".
[[nodiscard]] std::string problem_count(const Diagnostics& diagnostics);

/// Adds FILE to a command; the string is empty if it is left out.
void add_file(CLI::App& app, std::string& file);

}  // namespace arctic::cli
