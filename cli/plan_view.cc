#include "cli/plan_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/listing.h"

namespace arctic::cli {

namespace {

struct Group {
  std::string kind;
  std::vector<Description> lines;
};

std::vector<const std::vector<Change>*> phases_of(const Changes& changes) {
  return {&changes.prepare, &changes.nft, &changes.files, &changes.retire};
}

constexpr const char* kPhaseNames[] = {"prepare", "commit", "files", "retire"};

std::vector<Group> group(const Changes& changes) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> places;
  for (const auto* phase : phases_of(changes)) {
    for (const Change& change : *phase) {
      Description line = describe(change);
      // Aliases, comments and names come from the kernel, where anybody may have put them.
      for (std::string* text : {&line.identity, &line.reason, &line.before, &line.after}) {
        *text = visible(*text);
      }
      const auto [place, is_new] = places.emplace(line.kind, groups.size());
      if (is_new) groups.push_back({line.kind, {}});
      groups[place->second].lines.push_back(std::move(line));
    }
  }
  return groups;
}

std::string shown(const std::string& value) { return value.empty() ? "\"\"" : value; }

std::string value_of(const Description& line) {
  if (line.action == Action::kChange)
    return fmt::format("{} → {}", shown(line.before), shown(line.after));
  return line.action == Action::kAdd ? line.after : line.before;
}

std::string folded(const Group& group, std::size_t from) {
  ChangeCounts counts;
  for (std::size_t i = from; i < group.lines.size(); ++i) {
    switch (group.lines[i].action) {
      case Action::kAdd:
        ++counts.add;
        break;
      case Action::kChange:
        ++counts.change;
        break;
      case Action::kRemove:
        ++counts.remove;
        break;
    }
  }
  std::vector<std::string> parts;
  if (counts.add > 0) parts.push_back(fmt::format("{} to add", counts.add));
  if (counts.change > 0) parts.push_back(fmt::format("{} to change", counts.change));
  if (counts.remove > 0) parts.push_back(fmt::format("{} to remove", counts.remove));
  return fmt::format("  … {} more: {} (--full shows them)\n", group.lines.size() - from,
                     fmt::join(parts, ", "));
}

void print_group(Report& report, const Group& group, bool full) {
  constexpr std::size_t kWidest = 44;
  const bool fold = !full && group.lines.size() > kFoldAt;
  const std::size_t shown = fold ? kFoldAt - 2 : group.lines.size();
  std::size_t width = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    width = std::max(width, std::min(kWidest, width_of(group.lines[i].identity)));
  }
  report.out(Colour::kBold, group.kind);
  report.out("\n");
  for (std::size_t i = 0; i < shown; ++i) {
    const Description& line = group.lines[i];
    const std::string value = value_of(line);
    report.out("  ");
    report.out(action_colour(line.action), action_sign(line.action));
    report.out(" ");
    report.out(value.empty() && line.reason.empty() ? line.identity : padded(line.identity, width));
    if (!value.empty()) report.out("  " + value);
    if (!line.reason.empty()) report.out(Colour::kDim, fmt::format("  ({})", line.reason));
    report.out("\n");
  }
  if (fold) report.out(Colour::kDim, folded(group, shown));
}

}  // namespace

const char* action_sign(Action action) {
  switch (action) {
    case Action::kAdd:
      return "+";
    case Action::kRemove:
      return "-";
    case Action::kChange:
      break;
  }
  return "~";
}

const char* action_word(Action action) {
  switch (action) {
    case Action::kAdd:
      return "add";
    case Action::kRemove:
      return "remove";
    case Action::kChange:
      break;
  }
  return "change";
}

Colour action_colour(Action action) {
  switch (action) {
    case Action::kAdd:
      return Colour::kGreen;
    case Action::kRemove:
      return Colour::kRed;
    case Action::kChange:
      break;
  }
  return Colour::kYellow;
}

void print_changes(Report& report, const Changes& changes, bool full) {
  for (const Group& one : group(changes)) {
    print_group(report, one, full);
    report.out("\n");
  }
}

std::string summary_of(const ChangeCounts& counts) {
  return fmt::format("Plan: {} to add, {} to change, {} to remove.", counts.add, counts.change,
                     counts.remove);
}

nlohmann::ordered_json changes_json(const Changes& changes) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  const auto phases = phases_of(changes);
  for (std::size_t i = 0; i < phases.size(); ++i) {
    for (const Change& change : *phases[i]) {
      const Description d = describe(change);
      all.push_back({{"phase", kPhaseNames[i]},
                     {"action", action_word(d.action)},
                     {"kind", d.kind},
                     {"identity", d.identity},
                     {"reason", d.reason},
                     {"before", d.before},
                     {"after", d.after}});
    }
  }
  return all;
}

nlohmann::ordered_json counts_json(const ChangeCounts& counts) {
  return {{"add", counts.add}, {"change", counts.change}, {"remove", counts.remove}};
}

std::string json_text(const nlohmann::ordered_json& data) {
  return data.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace arctic::cli
