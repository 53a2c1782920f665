// What a change of the file means for one node, in the words of the file: rules, tunnels.
//
// Behind `arctic diff`. What it means in kernel objects is compiler/diff's. Pure.
#pragma once

#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/diff.h"
#include "schema/config.h"

namespace arctic::cli {

struct DiffLine {
  Action action = Action::kAdd;
  std::string what;    ///< "10.0.0.0/8 → any  syd-to-lon/0", "syd-to-lon (entry)"
  std::string detail;  ///< "priority 100 → 200"; for what comes or goes, its values
};

struct NodeDiff {
  std::string node;
  std::vector<DiffLine> rules;    ///< by service and match; what goes or changes, then what comes
  std::vector<DiffLine> pegasus;  ///< by service
  std::vector<DiffLine> tempest;  ///< by peer
  Changes changes;                ///< the same as resources of the node

  [[nodiscard]] bool empty() const {
    return rules.empty() && pegasus.empty() && tempest.empty() && changes.empty();
  }
};

/// A node that only one of the files has is compared with nothing.
[[nodiscard]] NodeDiff diff_node(const Config& before, const Config& after,
                                 const std::string& node);

}  // namespace arctic::cli
