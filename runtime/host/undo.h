// Going back: the node as it was observed before an apply, after that apply has failed.
//
// The way back is a difference like the way there, from what is observed now to what was observed
// then, so that it is right wherever the apply stopped. Used by apply alone.
#pragma once

#include <string>
#include <vector>

#include "runtime/host/apply.h"

namespace arctic {

/// How far an apply came.
enum class Reached : std::uint8_t {
  kNothing,
  kRecorded,   ///< something is in the state folder, nothing was changed
  kPrepared,   ///< links, addresses, routes, rules or sysctls may have changed; nftables has not,
               ///< unless the answer to its transaction was lost
  kCommitted,  ///< everything may have changed
};

struct Undone {
  bool complete = false;
  std::string failure;            ///< why it is not
  std::vector<std::string> left;  ///< steps that would still have to be made
};

[[nodiscard]] Undone go_back(Host& host, const Plan& plan, Reached reached);

/// What differs between the node now and `desired`, as steps.
[[nodiscard]] Result<std::vector<std::string>> differences(Host& host, const NodeState& desired,
                                                           const SysctlRecords& records);

/// "add link tp-lon".
[[nodiscard]] std::string step_text(const Change& change);
/// All steps; of a long list the first ones and a count.
[[nodiscard]] std::vector<std::string> step_list(const std::vector<Change>& changes);
/// The first steps with commas between, and a count of the others.
[[nodiscard]] std::string list_text(const std::vector<std::string>& steps);

}  // namespace arctic
