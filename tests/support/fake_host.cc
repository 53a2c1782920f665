#include "tests/support/fake_host.h"

#include <algorithm>

#include "runtime/host/state_text.h"

namespace arctic {
namespace {

tl::unexpected<Error> refuse(const std::string& what, const char* error) {
  return fail(ErrorCode::kFailure, what, error);
}

bool is_ours(const Link& link) { return link.alias.rfind(kAliasPrefix, 0) == 0; }

/// The kernel's values of a new interface, of those that we touch.
const std::map<std::string, std::string>& link_defaults() {
  static const std::map<std::string, std::string> table = {{"net/ipv4/conf/%/rp_filter", "0"},
                                                           {"net/ipv4/conf/%/arp_ignore", "0"},
                                                           {"net/ipv6/conf/%/addr_gen_mode", "0"}};
  return table;
}

std::string path_for(const std::string& pattern, const std::string& name) {
  std::string path = pattern;
  return path.replace(path.find('%'), 1, name);
}

/// IPv4 and IPv6 tell two routes of a table apart by metric.
bool same_place(const PolicyRoute& a, const PolicyRoute& b) {
  return a.family == b.family && a.table == b.table && a.metric == b.metric;
}

bool below(const std::string& path, const std::string& folder) {
  return path.rfind(folder + "/", 0) == 0;
}

}  // namespace

std::string Machine::text() const {
  NodeState state;
  state.links = links;
  state.addresses = addresses;
  state.routes = routes;
  state.rules = rules;
  for (const auto& [path, value] : sysctls) state.sysctls[path].value = value;
  for (const auto& [path, content] : files) {
    if (!below(path, "/var/lib/arctic")) state.files[path].content = content;
  }
  state.table = table;
  return state_text(state);
}

FakeHost::FakeHost() {
  for (const char* name : {"lo", "eth0", "eth1"}) add_foreign_link(name);
  machine.sysctls["net/ipv4/ip_forward"] = "0";
  machine.sysctls["net/ipv6/conf/all/forwarding"] = "0";
  machine.sysctls["net/ipv4/ip_local_reserved_ports"] = "";
  machine.files["/etc/arctic/node.key"] = "not read here\n";
}

template <class Step>
auto FakeHost::call(const std::string& what, Step step) -> decltype(step()) {
  ++calls_;
  log_.push_back(what);
  const auto found = faults_.find(calls_);
  if (found == faults_.end()) return step();
  const Fault fault = found->second;
  if (fault == Fault::kKill || fault == Fault::kKillHalfway) throw Killed();
  if (fault == Fault::kFail) return refuse(what, "injected failure");
  auto result = step();
  if (fault == Fault::kKillAfter) throw Killed();
  return refuse(what, "injected failure after the step");
}

Result<NodeState> FakeHost::observe(const NodeState& desired,
                                    const std::vector<std::string>& also_sysctls) {
  return call("observe", [&]() -> Result<NodeState> {
    std::set<std::string> named;
    for (const auto& [name, link] : desired.links) {
      named.insert(name);
      named.insert(link.parent);
    }
    NodeState state;
    for (const auto& [name, link] : machine.links) {
      if (is_ours(link) || named.count(name) > 0) state.links[name] = link;
    }
    for (const LinkAddress& address : machine.addresses) {
      if (is_ours(machine.links.at(address.link))) state.addresses.insert(address);
    }
    state.routes = machine.routes;
    state.rules = machine.rules;
    state.table = machine.table;
    state.ipv6 = machine.ipv6;
    std::set<std::string> paths(also_sysctls.begin(), also_sysctls.end());
    for (const auto& [path, sysctl] : desired.sysctls) paths.insert(path);
    for (const std::string& path : paths) {
      const auto found = machine.sysctls.find(path);
      if (found != machine.sysctls.end()) state.sysctls[path].value = found->second;
    }
    for (const auto& [path, file] : desired.files) {
      const auto found = machine.files.find(path);
      if (found == machine.files.end()) continue;
      const auto exposed = machine.exposed.find(path);
      state.files[path] = {
          found->second, {}, exposed == machine.exposed.end() ? "" : exposed->second};
    }
    return state;
  });
}

Result<std::string> FakeHost::default_route_interface() {
  return call("default route", [&]() -> Result<std::string> {
    if (default_route.empty()) return fail(ErrorCode::kRefused, {}, "no default route");
    return default_route;
  });
}

Status FakeHost::perform(const Change& change) {
  const Description description = describe(change);
  return call("perform " + description.kind + " " + description.identity, [&]() -> Status {
    if (const auto* link = std::get_if<LinkDelta>(&change)) return perform_link(*link);
    if (const auto* address = std::get_if<AddressDelta>(&change)) return perform_address(*address);
    if (const auto* route = std::get_if<RouteDelta>(&change)) return perform_route(*route);
    if (const auto* rule = std::get_if<RuleDelta>(&change)) return perform_rule(*rule);
    if (const auto* sysctl = std::get_if<SysctlDelta>(&change)) return perform_sysctl(*sysctl);
    if (const auto* file = std::get_if<FileDelta>(&change)) return perform_file(*file);
    return refuse("perform", "an nftables change outside a transaction");
  });
}

Status FakeHost::commit(const std::vector<Change>& nft) {
  return call("commit " + std::to_string(nft.size()),
              [&] { return fake_transaction(nft, machine.table, machine.next_handle); });
}

void FakeHost::make_sysctls(const std::string& name) {
  for (const auto& [pattern, value] : link_defaults()) {
    machine.sysctls[path_for(pattern, name)] = value;
  }
}

void FakeHost::add_foreign_link(const std::string& name) {
  machine.links[name] = Link{};
  machine.links[name].mtu = 1500;
  make_sysctls(name);
}

void FakeHost::delete_link(const std::string& name) {
  std::vector<std::string> upper;
  for (const auto& [other, link] : machine.links) {
    if (link.parent == name) upper.push_back(other);
  }
  for (const std::string& other : upper) delete_link(other);
  machine.links.erase(name);
  std::erase_if(machine.addresses, [&](const auto& each) { return each.link == name; });
  std::erase_if(machine.routes, [&](const auto& each) { return each.device == name; });
  for (const auto& [pattern, value] : link_defaults()) {
    machine.sysctls.erase(path_for(pattern, name));
  }
}

void FakeHost::flush_routes(const std::string& device, Family family) {
  std::erase_if(machine.routes, [&](const PolicyRoute& route) {
    return route.device == device && route.family == family;
  });
}

Status FakeHost::change_link(const std::string& name, const Link& link) {
  Link& old = machine.links[name];
  if (old.kind != link.kind || old.parent != link.parent || old.multi_queue != link.multi_queue) {
    return refuse("link " + name, "EEXIST");
  }
  old.alias = link.alias;
  if (link.mtu != 0) old.mtu = link.mtu;
  if (link.tx_queue_length != 0) old.tx_queue_length = link.tx_queue_length;
  old.up = link.up;
  if (!old.up) {
    for (const Family family : kFamilies) flush_routes(name, family);
    std::erase_if(machine.addresses, [&](const LinkAddress& each) {
      return each.link == name && each.address.address.family == Family::kIpv6;
    });
  }
  return {};
}

Status FakeHost::perform_link(const LinkDelta& delta) {
  const auto found = machine.links.find(delta.name);
  if (!delta.after) {
    if (found == machine.links.end()) return {};
    if (!is_ours(found->second)) return refuse("link " + delta.name, "is not ours");
    delete_link(delta.name);
    return {};
  }
  if (found != machine.links.end()) {
    if (!is_ours(found->second)) return refuse("link " + delta.name, "EEXIST");
    return change_link(delta.name, *delta.after);
  }
  if (delta.before) return refuse("link " + delta.name, "ENODEV");
  if (!delta.after->parent.empty() && machine.links.count(delta.after->parent) == 0) {
    return refuse("link " + delta.name, "ENODEV (parent)");
  }
  Link link = *delta.after;
  if (link.mtu == 0) link.mtu = 1500;
  if (link.tx_queue_length == 0) link.tx_queue_length = 1000;
  machine.links[delta.name] = link;
  make_sysctls(delta.name);
  return {};
}

Status FakeHost::perform_address(const AddressDelta& delta) {
  if (delta.before) {
    machine.addresses.erase(*delta.before);
    const Family family = delta.before->address.address.family;
    const bool any = std::any_of(
        machine.addresses.begin(), machine.addresses.end(), [&](const LinkAddress& each) {
          return each.link == delta.before->link && each.address.address.family == family;
        });
    if (!any && family == Family::kIpv4) flush_routes(delta.before->link, family);
  }
  if (!delta.after) return {};
  if (machine.links.count(delta.after->link) == 0) return refuse(delta.after->link, "ENODEV");
  machine.addresses.insert(*delta.after);
  return {};
}

Status FakeHost::perform_route(const RouteDelta& delta) {
  std::set<PolicyRoute> routes = machine.routes;
  if (delta.before) routes.erase(*delta.before);
  if (delta.after && routes.count(*delta.after) == 0) {
    const PolicyRoute& route = *delta.after;
    if (route.type != RouteType::kUnreachable) {
      const auto device = machine.links.find(route.device);
      if (device == machine.links.end()) return refuse("route", "ENODEV");
      if (!device->second.up) return refuse("route", "ENETDOWN");
    }
    for (const PolicyRoute& other : routes) {
      if (same_place(route, other)) return refuse("route", "EEXIST");
    }
    routes.insert(route);
  }
  machine.routes = std::move(routes);
  return {};
}

Status FakeHost::perform_rule(const RuleDelta& delta) {
  if (delta.after && !delta.after->strange.empty()) return refuse("rule", "EINVAL");
  if (delta.before) machine.rules.erase(*delta.before);
  if (delta.after) machine.rules.insert(*delta.after);
  return {};
}

Status FakeHost::perform_sysctl(const SysctlDelta& delta) {
  const auto found = machine.sysctls.find(delta.name);
  if (delta.after) {
    if (found == machine.sysctls.end()) return refuse(delta.name, "ENOENT");
    found->second = delta.after->value;
    return {};
  }
  if (found == machine.sysctls.end() || !delta.before->before) return {};
  if (found->second == delta.before->ours) found->second = *delta.before->before;
  return {};
}

Status FakeHost::perform_file(const FileDelta& delta) {
  machine.exposed.erase(delta.name);
  if (delta.after) {
    machine.files[delta.name] = delta.after->content;
  } else {
    machine.files.erase(delta.name);
  }
  return {};
}

Result<std::optional<std::string>> FakeHost::read_file(const std::string& path) {
  return call("read " + path, [&]() -> Result<std::optional<std::string>> {
    const auto found = machine.files.find(path);
    if (found == machine.files.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  });
}

Result<std::string> FakeHost::exposure(const std::string& path) {
  return call("exposure " + path, [&]() -> Result<std::string> {
    const auto found = machine.exposed.find(path);
    return found == machine.exposed.end() ? std::string() : found->second;
  });
}

Status FakeHost::write_file(const std::string& path, const std::string& content,
                            unsigned /*mode*/) {
  return call("write " + path, [&]() -> Status {
    machine.files[path] = content;
    machine.exposed.erase(path);
    return {};
  });
}

Status FakeHost::append_file(const std::string& path, const std::string& text) {
  const auto fault = faults_.find(calls_ + 1);
  if (fault != faults_.end() && fault->second == Fault::kKillHalfway) {
    machine.files[path] += text.substr(0, text.size() / 2);
  }
  return call("append " + path, [&]() -> Status {
    machine.files[path] += text;
    return {};
  });
}

Status FakeHost::remove_file(const std::string& path) {
  return call("remove " + path, [&]() -> Status {
    machine.files.erase(path);
    return {};
  });
}

Result<std::vector<std::string>> FakeHost::list_folder(const std::string& path) {
  return call("list " + path, [&]() -> Result<std::vector<std::string>> {
    std::set<std::string> names;
    for (const auto& [file, content] : machine.files) {
      if (!below(file, path)) continue;
      const std::string rest = file.substr(path.size() + 1);
      names.insert(rest.substr(0, rest.find('/')));
    }
    return std::vector<std::string>(names.begin(), names.end());
  });
}

Status FakeHost::remove_folder(const std::string& path) {
  return call("remove folder " + path, [&]() -> Status {
    std::erase_if(machine.files, [&](const auto& item) { return below(item.first, path); });
    return {};
  });
}

Result<std::unique_ptr<ApplyLock>> FakeHost::lock() {
  return call("lock", [&]() -> Result<std::unique_ptr<ApplyLock>> {
    return std::make_unique<ApplyLock>();
  });
}

bool FakeHost::runtime_answers(const std::string& name) { return runtimes.count(name) > 0; }

Result<std::optional<std::string>> FakeHost::ask_runtime(const std::string& name,
                                                         const std::string& /*line*/) {
  if (!runtime_answers(name)) return std::nullopt;
  return fail(ErrorCode::kUnreachable, name, "does not answer");
}

}  // namespace arctic
