// Plan and apply: observe, diff, then make it so in phases, with a journal, undo and read-back.
//
// plan() and apply() walk one path; what plan prints is what apply executes. Nothing that is not
// ours is changed or removed. A failure up to the nft transaction is undone in reverse; a crash at
// any step leaves a node that the next apply repairs, because apply always starts from what it
// observes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/diff.h"
#include "runtime/host/host.h"
#include "runtime/host/journal.h"
#include "schema/artifact/sysctl_record.h"

namespace arctic {

inline constexpr const char* kStateFolder = "/var/lib/arctic";
inline constexpr const char* kGenerationsFolder = "/var/lib/arctic/generations";
inline constexpr const char* kJournalPath = "/var/lib/arctic/journal";
inline constexpr const char* kSysctlRecordPath = "/var/lib/arctic/sysctls.json";
inline constexpr const char* kNodeKeyPath = "/etc/arctic/node.key";

/// What a node should become: a compiled node with the file it came from, or nothing (destroy).
struct Target {
  std::string node;
  NodeState desired;
  Artifacts artifacts;       ///< empty texts for destroy
  std::string source_text;   ///< the configuration file; empty for destroy
  std::size_t services = 0;  ///< entered or ended here, for the guard of --prune
  bool destroy = false;      ///< nothing of ours is to be left
};

[[nodiscard]] Target target_of(const Compiled& compiled, const Config& config,
                               std::string source_text);
/// Nothing of ours; the state folder's generations stay, sysctls go back.
[[nodiscard]] Target empty_target(std::string node);

/// One comparison of a node with a target.
struct Plan {
  Target target;     ///< resolved: real parent interface, merged port lists
  NodeState actual;  ///< with sysctl records
  Changes changes;
  History history;             ///< what the journal says
  SysctlRecords records;       ///< as the state folder has them now
  std::uint64_t sequence = 0;  ///< that this apply would have
  std::string generation;      ///< of the node now: 12 hex digits, or empty if none
  std::string target_generation;
  std::string node;                  ///< the peer that the current generation was applied for
  std::size_t services_before = 0;   ///< of the node now
  std::size_t services_dropped = 0;  ///< of those, how many the target has no more
  std::vector<std::string> dropped;  ///< their names; empty if only their number is known
  bool interrupted = false;          ///< the journal's last apply did not end
  std::vector<std::string> notices;  ///< runtimes that are not running, a missing node key

  /// Nothing to make and nothing to record: apply() would not write a byte.
  [[nodiscard]] bool nothing_to_do() const;
};

struct PlanOptions {
  bool force = false;  ///< allow a target for another node than the current generation's
};

/// Refuses (kRefused) a foreign table `inet arctic`, a foreign link with a name of ours, and a
/// target whose node is not the one that the current generation was applied for. Of a destroy that
/// has nothing else to do a foreign table is only a notice.
/// A MACVLAN whose parent is not there is kFailure. What is foreign is refused with `force` too.
[[nodiscard]] Result<Plan> plan(Host& host, Target target, const PlanOptions& options = {});

struct ApplyOptions {
  bool prune = false;  ///< allow a target that drops all, or over half of four or more, services
  std::string who;     ///< for the journal
};

struct Outcome {
  std::string generation;  ///< that the node is at now
  std::uint64_t sequence = 0;
  ChangeCounts made;
  std::vector<std::string> notices;  ///< what went wrong afterwards without harm
};

/// Called before each step with its number, the number of steps, and what it is.
using Progress = std::function<void(std::size_t, std::size_t, const std::string&)>;

/// REQUIRES: the caller holds host.lock() since before plan(). Errors: kRefused with nothing
/// changed (guards), kFailure with everything undone, kPartly where undoing failed, with what is
/// left.
[[nodiscard]] Result<Outcome> apply(Host& host, const Plan& plan, const ApplyOptions& options,
                                    const Progress& progress);

}  // namespace arctic
