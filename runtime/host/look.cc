#include "runtime/host/look.h"

#include <algorithm>
#include <iterator>

#include "runtime/host/records.h"
#include "schema/artifact/pegasus_config.h"
#include "schema/artifact/tempest_config.h"

namespace arctic {
namespace {

/// "tp-lon" of "net/ipv4/conf/tp-lon/rp_filter"; empty for a path of another form.
std::string link_in(const std::string& path) {
  for (const std::string_view folder : {"net/ipv4/conf/", "net/ipv6/conf/"}) {
    if (path.rfind(folder, 0) != 0) continue;
    const std::size_t end = path.find('/', folder.size());
    if (end != std::string::npos) return path.substr(folder.size(), end - folder.size());
  }
  return {};
}

bool is_ours(const NodeState& state, const std::string& link) {
  const auto found = state.links.find(link);
  return found != state.links.end() && found->second.alias.rfind(kAliasPrefix, 0) == 0;
}

void tell_links(NodeState& state) {
  for (auto& [path, sysctl] : state.sysctls) {
    const std::string link = link_in(path);
    if (is_ours(state, link)) sysctl.of_link = link;
  }
}

bool can_be_made(const Link& link) { return link.kind != LinkKind::kOther && link.detail.empty(); }

bool can_be_made(const nft::Rule& rule) {
  return std::none_of(rule.exprs.begin(), rule.exprs.end(), [](const nft::Expr& expr) {
    return std::holds_alternative<nft::UnknownExpr>(expr);
  });
}

void remove_link(NodeState& state, const std::string& name) {
  state.links.erase(name);
  std::erase_if(state.addresses, [&](const LinkAddress& address) { return address.link == name; });
  std::erase_if(state.routes, [&](const PolicyRoute& route) { return route.device == name; });
  std::erase_if(state.sysctls, [&](const auto& item) { return link_in(item.first) == name; });
}

}  // namespace

bool is_our_file(const std::string& path, const std::string& content) {
  if (path == kPegasusConfigPath) return decode_pegasus_config(content).has_value();
  if (path == kTempestConfigPath) return decode_tempest_config(content).has_value();
  return false;
}

Result<NodeState> look(Host& host, const NodeState& desired, const SysctlRecords& records) {
  std::vector<std::string> paths;
  for (const auto& [path, record] : records) paths.push_back(path);
  NodeState wanted;
  wanted.links = desired.links;
  wanted.sysctls = desired.sysctls;
  wanted.files = desired.files;
  for (const char* path : {kPegasusConfigPath, kTempestConfigPath}) wanted.files[path];
  ARCTIC_TRY(NodeState actual, host.observe(wanted, paths));
  merge_records(records, actual);
  tell_links(actual);
  std::erase_if(actual.files, [&](const auto& item) {
    return desired.files.count(item.first) == 0 && !is_our_file(item.first, item.second.content);
  });
  return actual;
}

Status look_at_leaving_links(Host& host, const NodeState& desired, NodeState& actual) {
  std::vector<std::string> paths;
  for (const auto& [name, link] : actual.links) {
    const auto wanted = desired.links.find(name);
    if (!is_ours(actual, name)) continue;
    if (wanted != desired.links.end() && wanted->second == link) continue;
    for (const std::string_view parameter : kLinkParameters) {
      std::string path(parameter);
      path.replace(path.find('%'), 1, name);
      if (actual.sysctls.count(path) == 0) paths.push_back(std::move(path));
    }
  }
  if (paths.empty()) return {};
  ARCTIC_TRY(NodeState more, host.observe({}, paths));
  actual.sysctls.merge(more.sysctls);
  tell_links(actual);
  return {};
}

NodeState restorable(const NodeState& before, const NodeState& now) {
  NodeState goal = before;
  for (const auto& [name, link] : before.links) {
    const auto found = now.links.find(name);
    const bool same = found != now.links.end() && found->second == link;
    if (!is_ours(before, name)) {
      goal.links.erase(name);
    } else if (!same && !can_be_made(link)) {
      remove_link(goal, name);
    }
  }
  // A parameter of an interface of others goes and comes with that interface, not with us.
  std::erase_if(goal.sysctls, [&](const auto& item) {
    return item.second.of_link.empty() && now.sysctls.count(item.first) == 0;
  });
  std::erase_if(goal.rules, [&](const PolicyRule& rule) {
    return !rule.strange.empty() && now.rules.count(rule) == 0;
  });
  std::erase_if(goal.routes, [&](const PolicyRoute& route) {
    return !route.strange.empty() && now.routes.count(route) == 0;
  });
  std::erase_if(goal.addresses, [&](const LinkAddress& address) {
    return !address.strange.empty() && now.addresses.count(address) == 0;
  });
  for (auto& [path, file] : goal.files) {
    const auto found = now.files.find(path);
    if (found == now.files.end() || !(found->second == file)) file.detail.clear();
  }
  if (goal.table) {
    for (auto& [name, chain] : goal.table->chains) {
      std::erase_if(chain.rules, [](const nft::Rule& rule) { return !can_be_made(rule); });
    }
  }
  return goal;
}

}  // namespace arctic
