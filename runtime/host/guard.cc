#include "runtime/host/guard.h"

#include "schema/artifact/pegasus_config.h"

namespace arctic {
namespace {

bool is_ours(const Link& link) { return link.alias.rfind(kAliasPrefix, 0) == 0; }

/// What the alias of ours says the link is for: "service `x`", "the tunnel to peer `y`".
std::string purpose(const Link& link) {
  static constexpr std::string_view kPeer = "arctic:peer:";
  if (link.kind == LinkKind::kTun && link.alias.rfind(kPeer, 0) == 0) {
    return "the tunnel to peer `" + link.alias.substr(kPeer.size()) + "`";
  }
  return "service `" + link.alias.substr(std::string_view(kAliasPrefix).size()) + "`";
}

}  // namespace

Status check_foreign(const NodeState& actual, const NodeState& desired) {
  if (actual.table && !actual.table->ours) {
    return fail(ErrorCode::kRefused, "table inet arctic",
                "is there already and was not made by Arctic",
                "look at it with `nft list table inet arctic`; if nobody needs it, `nft delete "
                "table inet arctic`");
  }
  for (const auto& [name, link] : desired.links) {
    const auto found = actual.links.find(name);
    if (found == actual.links.end() || is_ours(found->second)) continue;
    const std::string other = link.kind == LinkKind::kMacvlan ? "or give the service another `id`"
                                                              : "or give the peer another `name`";
    return fail(
        ErrorCode::kRefused, "interface " + name,
        "is there already and was not made by Arctic, which needs the name for " + purpose(link),
        "rename it or, if nobody needs it, `ip link delete " + name + "`; " + other);
  }
  return {};
}

Status check_parents(const NodeState& actual, const NodeState& desired) {
  for (const auto& [name, link] : desired.links) {
    if (link.parent.empty() || actual.links.count(link.parent) > 0) continue;
    return fail(
        ErrorCode::kFailure, "interface " + link.parent,
        "does not exist on this node; the MACVLAN of " + purpose(link) + " should sit on it",
        "set `parent_interface` of this node's peer to one that `ip link` lists");
  }
  return {};
}

Status check_state_folder(Host& host) {
  for (const char* path : {kStateFolder, kGenerationsFolder, kJournalPath, kSysctlRecordPath}) {
    ARCTIC_TRY(const std::string exposure, host.exposure(path));
    if (exposure.empty()) continue;
    const bool folder = path == kStateFolder || path == kGenerationsFolder;
    return fail(ErrorCode::kRefused, path,
                exposure + ", so others could have written what is in it",
                std::string("look at it, then: chown root ") + path + "; chmod " +
                    (folder ? "0700 " : "0600 ") + path);
  }
  return {};
}

Status check_node(const std::string& node_in_force, const Target& target) {
  if (target.destroy || node_in_force.empty() || node_in_force == target.node) return {};
  return fail(ErrorCode::kRefused, "peer " + target.node,
              "this node has the configuration of peer `" + node_in_force + "`",
              "is this the right machine? `arctic destroy` first, or --force");
}

bool needs_prune(const Plan& plan) {
  if (plan.target.destroy || plan.services_before == 0) return false;
  const bool all = plan.target.services == 0;
  const bool most = plan.services_before >= 4 && plan.services_dropped * 2 > plan.services_before;
  return all || most;
}

std::string dropped_text(const Plan& plan) {
  constexpr std::size_t kMostNames = 8;
  const std::string before = std::to_string(plan.services_before);
  std::string text = "the file no longer has ";
  if (plan.services_before == 1) {
    text += "the one service";
  } else if (plan.services_dropped == plan.services_before) {
    text += "any of the " + before + " services";
  } else {
    text += std::to_string(plan.services_dropped) + " of the " + before + " services";
  }
  text += " that this node carries";
  for (std::size_t i = 0; i < plan.dropped.size() && i < kMostNames; ++i) {
    text += (i == 0 ? ": " : ", ") + plan.dropped[i];
  }
  if (plan.dropped.size() > kMostNames) text += ", …";
  return text;
}

Status check_prune(const Plan& plan, bool prune) {
  if (prune || !needs_prune(plan)) return {};
  return fail(ErrorCode::kRefused, "peer " + plan.target.node, dropped_text(plan),
              "is it the right file? --prune removes them");
}

std::set<std::string> services_in(const std::string& pegasus_json) {
  std::set<std::string> names;
  const auto config = decode_pegasus_config(pegasus_json);
  if (!config) return names;
  for (const auto& tunnel : config->tunnels) names.insert(tunnel.service);
  return names;
}

}  // namespace arctic
