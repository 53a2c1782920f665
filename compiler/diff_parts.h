// The two halves of diff(), in one file each; diff() in diff.cc calls them. Nobody else does.
#pragma once

#include <optional>
#include <vector>

#include "compiler/diff.h"

namespace arctic {

/// One transaction that turns the one table into the other, in an order that the kernel takes.
[[nodiscard]] std::vector<Change> diff_table(const std::optional<nft::Table>& actual,
                                             const std::optional<nft::Table>& desired);

/// Links, addresses, sysctls, routes and rules: what comes before the transaction, and what after.
struct HostChanges {
  std::vector<Change> prepare;
  std::vector<Change> retire;
};
[[nodiscard]] HostChanges diff_host(const NodeState& actual, const NodeState& desired);

}  // namespace arctic
