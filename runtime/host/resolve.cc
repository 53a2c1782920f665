#include "runtime/host/resolve.h"

#include <string_view>
#include <utility>

#include "runtime/host/ports.h"

namespace arctic {
namespace {

constexpr std::string_view kPlaceholder = kDefaultRouteInterface;

bool needs_default_route(const NodeState& desired) {
  for (const auto& [name, link] : desired.links) {
    if (link.parent == kPlaceholder) return true;
  }
  for (const auto& [path, sysctl] : desired.sysctls) {
    if (path.find(kPlaceholder) != std::string::npos) return true;
  }
  return false;
}

std::string needing(const NodeState& desired) {
  for (const auto& [name, link] : desired.links) {
    if (link.parent == kPlaceholder) return name;
  }
  return {};
}

Result<PortSet> ports_of(const std::string& path, const std::string& value) {
  if (const auto ports = parse_ports(value)) return *ports;
  return fail(ErrorCode::kFailure, path, "holds \"" + value + "\", which is no list of ports");
}

}  // namespace

Status resolve_interfaces(Host& host, NodeState& desired) {
  if (!needs_default_route(desired)) return {};
  auto name = host.default_route_interface();
  if (!name && name.error().code == ErrorCode::kRefused) {
    return fail(ErrorCode::kRefused, needing(desired),
                "this node has no default route, which would say on which interface to put it",
                "set `parent_interface` of this node's peer");
  }
  if (!name) return tl::unexpected<Error>(std::move(name).error());
  for (auto& [link_name, link] : desired.links) {
    if (link.parent == kPlaceholder) link.parent = *name;
  }
  std::map<std::string, Sysctl> sysctls;
  for (auto& [path, sysctl] : desired.sysctls) {
    std::string real = path;
    const std::size_t at = real.find(kPlaceholder);
    if (at != std::string::npos) real.replace(at, kPlaceholder.size(), *name);
    sysctls.emplace(std::move(real), std::move(sysctl));
  }
  desired.sysctls = std::move(sysctls);
  return {};
}

void resolve_mtus(NodeState& desired, const NodeState& actual) {
  for (auto& [name, link] : desired.links) {
    const auto parent = actual.links.find(link.parent);
    if (link.kind != LinkKind::kMacvlan || link.mtu != 0 || parent == actual.links.end()) continue;
    link.mtu = parent->second.mtu;
  }
}

bool leave_out_ipv6(NodeState& desired, const NodeState& actual) {
  if (actual.ipv6 == Ipv6::kOn) return false;
  const auto v6 = [](Family family) { return family == Family::kIpv6; };
  std::size_t left_out = std::erase_if(desired.addresses, [&](const LinkAddress& address) {
    return v6(address.address.address.family);
  });
  left_out +=
      std::erase_if(desired.routes, [&](const PolicyRoute& route) { return v6(route.family); });
  if (actual.ipv6 == Ipv6::kOff) return left_out > 0;
  left_out += std::erase_if(desired.rules, [&](const PolicyRule& rule) { return v6(rule.family); });
  left_out += std::erase_if(desired.sysctls,
                            [](const auto& item) { return item.first.rfind("net/ipv6/", 0) == 0; });
  return left_out > 0;
}

Status resolve_ports(NodeState& desired, const NodeState& actual) {
  for (auto& [path, sysctl] : desired.sysctls) {
    if (!sysctl.merge_ports) continue;
    ARCTIC_TRY(const PortSet ours, ports_of(path, sysctl.value));
    const auto found = actual.sysctls.find(path);
    const std::string now = found == actual.sysctls.end() ? "" : found->second.value;
    ARCTIC_TRY(const PortSet current, ports_of(path, now));
    PortSet others = current;
    if (found != actual.sysctls.end() && found->second.before) {
      ARCTIC_TRY(others, ports_of(path, *found->second.before));
    }
    const PortSet wanted = others | ours;
    // Another spelling of the same set is no difference.
    sysctl.value = wanted == current ? now : ports_text(wanted);
    sysctl.merge_ports = false;
  }
  return {};
}

}  // namespace arctic
