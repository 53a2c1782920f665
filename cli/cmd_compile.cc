#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/input.h"
#include "cli/node.h"
#include "cli/plan_view.h"
#include "cli/unified_diff.h"
#include "compiler/compile.h"

namespace arctic::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string file;
  std::string node;
  bool all = false;
  std::string out = "compiled";
  std::string check;
};

struct Artifact {
  const char* name;
  std::string Artifacts::*text;
};

constexpr std::array kArtifacts = {Artifact{"plan.json", &Artifacts::plan_json},
                                   Artifact{"ruleset.nft", &Artifacts::ruleset_nft},
                                   Artifact{"pegasus.json", &Artifacts::pegasus_json},
                                   Artifact{"tempest.json", &Artifacts::tempest_json},
                                   Artifact{"host.json", &Artifacts::host_json}};

Status write_node(const Options& options, const Compiled& compiled) {
  const std::string folder = options.out + "/" + compiled.node;
  ARCTIC_CHECK(make_folder(folder));
  for (const Artifact& artifact : kArtifacts) {
    ARCTIC_CHECK(write_file(folder + "/" + artifact.name, compiled.artifacts.*artifact.text));
  }
  return {};
}

// What is committed; a file that is not there differs from all that could be in it.
Result<std::string> committed(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::string();
  ARCTIC_TRY(Input input, read_input(path, kNoLimit));
  return std::move(input.text);
}

Result<std::string> check_node(const Options& options, const Compiled& compiled) {
  std::string differences;
  for (const Artifact& artifact : kArtifacts) {
    const std::string path = fmt::format("{}/{}/{}", options.check, compiled.node, artifact.name);
    ARCTIC_TRY(const std::string before, committed(path));
    differences += unified_diff(path, path, before, compiled.artifacts.*artifact.text);
  }
  return differences;
}

// Folders of nodes that the file no longer has would be kept in the repository for ever.
std::vector<std::string> left_over(const Options& options, const std::vector<std::string>& nodes) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(options.check, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (fs::exists(it->path() / "plan.json") &&
        std::find(nodes.begin(), nodes.end(), name) == nodes.end()) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// As it must be typed.
std::string shell_word(const std::string& text) {
  const bool plain = text.find_first_not_of(
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./") ==
                     std::string::npos;
  if (plain && !text.empty()) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string cure(const Options& options) {
  std::string command = "arctic compile";
  if (!options.file.empty()) command += " " + shell_word(options.file);
  if (options.all) command += " --all";
  if (!options.node.empty()) command += " --node " + shell_word(options.node);
  return fmt::format("`{} -o {}` writes what belongs there", command, shell_word(options.check));
}

Result<ExitCode> check(Session& session, const Options& options, const Config& config,
                       const std::vector<std::string>& nodes) {
  std::error_code error;
  if (!fs::is_directory(options.check, error)) {
    if (fs::exists(options.check, error)) {
      return fail(ErrorCode::kFailure, options.check, "is no folder",
                  "--check takes the folder that `arctic compile -o` wrote");
    }
    return fail(ErrorCode::kFailure, options.check, "there is no such folder", cure(options));
  }
  std::string differences;
  for (const std::string& node : nodes) {
    ARCTIC_TRY(const std::string one, check_node(options, compile(config, node)));
    differences += one;
  }
  std::vector<std::string> gone;
  if (nodes.size() == config.peers.size()) gone = left_over(options, nodes);
  const bool equal = differences.empty() && gone.empty();
  if (session.json) {
    session.report.out(json_text({{"equal", equal}, {"diff", differences}, {"left_over", gone}}));
  } else {
    session.report.out(differences);
  }
  if (!differences.empty()) {
    session.report.error({ErrorCode::kFailure,
                          options.check,
                          "is not what the file compiles to",
                          {},
                          cure(options)});
  }
  for (const std::string& name : gone) {
    const std::string folder = options.check + "/" + name;
    session.report.error({ErrorCode::kFailure,
                          folder,
                          "the file has no peer of that name",
                          {},
                          fmt::format("remove the folder: `rm -r {}`", shell_word(folder))});
  }
  return equal ? ExitCode::kSuccess : ExitCode::kDiffers;
}

Result<ExitCode> run(Session& session, const Options& options) {
  ARCTIC_TRY(const Loaded loaded, load_config(session, options.file));
  ARCTIC_TRY(const auto nodes, offline_nodes(session, loaded.config, options.node, options.all));
  if (!options.check.empty()) return check(session, options, loaded.config, nodes);
  nlohmann::ordered_json done = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    session.report.progress(i + 1, nodes.size(), nodes[i]);
    const Compiled compiled = compile(loaded.config, nodes[i]);
    ARCTIC_CHECK(write_node(options, compiled));
    const std::string folder = options.out + "/" + compiled.node;
    done.push_back({{"node", compiled.node},
                    {"folder", folder},
                    {"generation", compiled.artifacts.generation()}});
    if (!session.json) {
      session.report.out(
          fmt::format("{}  generation {}\n", folder, compiled.artifacts.generation()));
    }
  }
  if (session.json) session.report.out(json_text(done));
  return ExitCode::kSuccess;
}

}  // namespace

Run define_compile(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  add_file(app, options->file);
  auto* node = app.add_option("--node", options->node,
                              "the peer to compile; default: the one with this machine's key, or "
                              "all where there is no key")
                   ->type_name("NAME");
  app.add_flag("--all", options->all, "all peers")->excludes(node);
  auto* out = app.add_option("-o,--out", options->out, "where the folders of the nodes go")
                  ->type_name("DIR")
                  ->capture_default_str();
  app.add_option("--check", options->check,
                 "compare with that folder instead: print the difference, exit 2 if there is one")
      ->type_name("DIR")
      ->excludes(out);
  return [&session, options] { return run(session, *options); };
}

}  // namespace arctic::cli
