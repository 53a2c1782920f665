#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/config_diff.h"
#include "cli/input.h"
#include "cli/node.h"
#include "cli/plan_view.h"

namespace arctic::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string before;
  std::string after;
  std::string node;
  bool detailed = false;
  bool full = false;
};

struct Section {
  const char* title;
  const char* key;
  const std::vector<DiffLine>& lines;
};

std::vector<Section> sections_of(const NodeDiff& diff) {
  return {{"rules", "rules", diff.rules},
          {"Pegasus", "pegasus", diff.pegasus},
          {"Tempest", "tempest", diff.tempest}};
}

Json to_json(const NodeDiff& diff) {
  Json data = {{"node", diff.node}};
  for (const Section& section : sections_of(diff)) {
    Json lines = Json::array();
    for (const DiffLine& line : section.lines) {
      lines.push_back(
          {{"action", action_word(line.action)}, {"what", line.what}, {"detail", line.detail}});
    }
    data[section.key] = std::move(lines);
  }
  data["changes"] = changes_json(diff.changes);
  data["counts"] = counts_json(count(diff.changes));
  return data;
}

void print(Report& report, const NodeDiff& diff, bool full) {
  report.out(Colour::kBold, diff.node);
  report.out("\n");
  for (const Section& section : sections_of(diff)) {
    if (section.lines.empty()) continue;
    report.out(fmt::format("  {}\n", section.title));
    const std::size_t shown =
        full || section.lines.size() <= kFoldAt ? section.lines.size() : kFoldAt - 2;
    for (std::size_t i = 0; i < shown; ++i) {
      const DiffLine& line = section.lines[i];
      report.out("    ");
      report.out(action_colour(line.action), action_sign(line.action));
      report.out(fmt::format(" {}{}{}\n", line.what, line.detail.empty() ? "" : "  ", line.detail));
    }
    if (shown < section.lines.size()) {
      report.out(fmt::format("    … {} more (--full shows them)\n", section.lines.size() - shown));
    }
  }
  const ChangeCounts counts = count(diff.changes);
  report.out(fmt::format("  on the node: {} to add, {} to change, {} to remove\n\n", counts.add,
                         counts.change, counts.remove));
  if (full) print_changes(report, diff.changes, true);
}

// --node, or every peer that one of the files has.
Result<std::set<std::string>> nodes_of(const Options& options, const Config& before,
                                       const Config& after) {
  std::set<std::string> nodes;
  for (const Config* config : {&before, &after}) {
    for (const Peer& peer : config->peers) nodes.insert(peer.name.value);
  }
  if (options.node.empty()) return nodes;
  if (nodes.count(options.node) == 0) {
    return fail(ErrorCode::kConfig, "", fmt::format("neither file has a peer `{}`", options.node),
                fmt::format("they have: {}", fmt::join(nodes, ", ")));
  }
  return std::set<std::string>{options.node};
}

Result<ExitCode> run(Session& session, const Options& options) {
  ARCTIC_TRY(const Loaded before, load_config(session, options.before));
  ARCTIC_TRY(const Loaded after, load_config(session, options.after));
  ARCTIC_TRY(const auto nodes, nodes_of(options, before.config, after.config));
  Json all = Json::array();
  std::size_t changed = 0;
  for (const std::string& node : nodes) {
    const NodeDiff diff = diff_node(before.config, after.config, node);
    if (diff.empty()) continue;
    ++changed;
    if (session.json) {
      all.push_back(to_json(diff));
    } else {
      print(session.report, diff, options.full);
    }
  }
  if (session.json) {
    session.report.out(json_text({{"equal", changed == 0}, {"nodes", std::move(all)}}));
  } else if (changed == 0) {
    session.report.out("No differences.\n");
  } else {
    session.report.out(fmt::format("Diff: {} of {} nodes change.\n", changed, nodes.size()));
  }
  return options.detailed && changed > 0 ? ExitCode::kDiffers : ExitCode::kSuccess;
}

}  // namespace

Run define_diff(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.add_option("OLD", options->before, "the configuration as it was")->type_name("")->required();
  app.add_option("NEW", options->after, "the configuration as it is to be; left out: as elsewhere")
      ->type_name("");
  app.add_option("--node", options->node, "only for this peer")->type_name("NAME");
  app.add_flag("--detailed-exitcode", options->detailed, "exit 2 when there are differences");
  app.add_flag("--full", options->full, "show long lists whole, and every resource of the node");
  return [&session, options] { return run(session, *options); };
}

}  // namespace arctic::cli
