#include "compiler/diff.h"

#include <utility>

#include "compiler/diff_parts.h"

namespace arctic {
namespace {

std::vector<Change> diff_files(const NodeState& actual, const NodeState& desired) {
  std::vector<Change> changes;
  for (const auto& [path, file] : desired.files) {
    const auto old = actual.files.find(path);
    if (old == actual.files.end()) {
      changes.emplace_back(FileDelta{path, std::nullopt, file});
    } else if (!(old->second == file)) {
      changes.emplace_back(FileDelta{path, old->second, file});
    }
  }
  for (const auto& [path, file] : actual.files) {
    if (desired.files.count(path) == 0) {
      changes.emplace_back(FileDelta{path, file, std::nullopt});
    }
  }
  return changes;
}

}  // namespace

Changes diff(const NodeState& actual, const NodeState& desired) {
  HostChanges host = diff_host(actual, desired);
  Changes changes;
  changes.prepare = std::move(host.prepare);
  changes.nft = diff_table(actual.table, desired.table);
  changes.files = diff_files(actual, desired);
  changes.retire = std::move(host.retire);
  return changes;
}

}  // namespace arctic
