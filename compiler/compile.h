// The compiler's table of contents: one call per stage, and the whole.
//
// Config (said) → RulePlan (ordered) → NodeState (desired) → artifacts (text). Pure: no file,
// socket, clock, process or environment; the output depends on the arguments alone, whatever the
// locale, the order of keys or the order of list items in the file (but for routes, whose position
// is their name).
#pragma once

#include <string>

#include "compiler/allocate.h"
#include "compiler/node_state.h"
#include "compiler/order.h"
#include "schema/artifact/pegasus_config.h"
#include "schema/artifact/tempest_config.h"
#include "schema/config.h"

namespace arctic {

/// The five files of one node, byte for byte deterministic.
struct Artifacts {
  std::string plan_json;
  std::string ruleset_nft;
  std::string pegasus_json;
  std::string tempest_json;
  std::string host_json;

  /// First 12 hex digits of BLAKE2b-256 over plan.json, pegasus.json, tempest.json, host.json, each
  /// as name, zero byte, length (8 bytes, big-endian), bytes.
  [[nodiscard]] std::string generation() const;
};

struct Compiled {
  std::string node;
  Numbers numbers;
  RulePlan plan;
  PegasusConfig pegasus;
  TempestConfig tempest;
  NodeState desired;  ///< files included, at their final paths
  Artifacts artifacts;
};

/// Stage by stage; compile() calls them in this order.
[[nodiscard]] PegasusConfig lower_pegasus(const Config& config, const Numbers& numbers,
                                          const std::string& node);
[[nodiscard]] TempestConfig lower_tempest(const Config& config, const std::string& node);
/// Kernel state only: table, links, addresses, routes, rules, sysctls; no files.
[[nodiscard]] NodeState lower(const Config& config, const Numbers& numbers, const RulePlan& plan);

[[nodiscard]] std::string emit_plan(const Config& config, const Numbers& numbers,
                                    const RulePlan& plan);
[[nodiscard]] std::string emit_ruleset(const NodeState& desired);
[[nodiscard]] std::string emit_host(const NodeState& desired);

/// REQUIRES: `config` has no errors and `node` names one of its peers. A node that takes part in no
/// service gets a desired state without kernel resources, and configs without tunnels.
[[nodiscard]] Compiled compile(const Config& config, const std::string& node);

}  // namespace arctic
