#include <set>
#include <string>

#include "compiler/lower_parts.h"

namespace arctic {
namespace {

constexpr std::uint32_t kTunnelQueueLength = 2000;
/// A device with rp_filter=2 and without an IPv4 address drops what is not strictly symmetric. This
/// one (RFC 7600, dummy address) is nobody's, and may be on every tunnel device.
constexpr HostPrefix kTunnelAddress{{Family::kIpv4, 0xc0000008U}, 32};

// Ports that the kernel gives to outgoing connections by default.
constexpr std::uint16_t kFirstEphemeral = 32768;
constexpr std::uint16_t kLastEphemeral = 60999;

void add_link_sysctl(NodeState& state, const std::string& link, const std::string& path,
                     const char* value, const std::string& origin) {
  state.sysctls[path] = {value, false, link, std::nullopt, std::nullopt, origin};
}

void add_node_sysctl(NodeState& state, const std::string& path, const char* value,
                     const std::string& origin) {
  state.sysctls[path] = {value, false, {}, std::nullopt, std::nullopt, origin};
}

void add_tunnel(NodeState& state, const Neighbour& neighbour) {
  const std::string origin = origin_of(*neighbour.peer);
  Link link;
  link.kind = LinkKind::kTun;
  link.alias = std::string(kAliasPrefix) + "peer:" + neighbour.name();
  link.mtu = kTunnelMtu;
  link.tx_queue_length = kTunnelQueueLength;
  link.multi_queue = true;
  link.origin = origin;
  const std::string& device = neighbour.device;
  state.links[device] = link;
  state.addresses.insert({device, kTunnelAddress, origin});
  add_link_sysctl(state, device, "net/ipv4/conf/" + device + "/rp_filter", "2", origin);
  add_link_sysctl(state, device, "net/ipv6/conf/" + device + "/addr_gen_mode", "1", origin);
}

void add_macvlan(NodeState& state, const NodeView& view, const Service& service) {
  const std::string origin = origin_of(service);
  const std::string name = macvlan_name(service);
  Link link;
  link.kind = LinkKind::kMacvlan;
  link.parent = view.self->parent_interface ? view.self->parent_interface->value
                                            : std::string(kDefaultRouteInterface);
  link.alias = kAliasPrefix + service.name.value;
  link.origin = origin;
  state.links[name] = link;
  for (const auto& address : {service.interface->ipv4, service.interface->ipv6}) {
    if (address) state.addresses.insert({name, address->value, origin});
  }
  add_link_sysctl(state, name, "net/ipv4/conf/" + name + "/rp_filter", "2", origin);
  add_link_sysctl(state, name, "net/ipv4/conf/" + name + "/arp_ignore", "1", origin);
  add_node_sysctl(state, "net/ipv4/conf/" + link.parent + "/arp_ignore", "1",
                  origin_of(*view.self));
}

/// Ports of ours that an outgoing connection of somebody else could take before us.
std::string reserved_ports(const Peer& self) {
  std::set<std::uint32_t> ports = {self.pegasus_port.value, self.tempest_port.value};
  if (self.metrics) {
    ports.insert(self.metrics->value.port);
    ports.insert(self.metrics->value.port + 1U);
  }
  std::string list;
  for (const std::uint32_t port : ports) {
    if (port < kFirstEphemeral || port > kLastEphemeral) continue;
    if (!list.empty()) list += ',';
    list += std::to_string(port);
  }
  return list;
}

}  // namespace

void lower_links(const NodeView& view, NodeState& state) {
  const std::string origin = origin_of(*view.self);
  for (const Neighbour& neighbour : view.neighbours) add_tunnel(state, neighbour);
  for (const Entry& entry : view.entries) {
    if (entry.service->has_interface()) add_macvlan(state, view, *entry.service);
  }
  add_node_sysctl(state, "net/ipv4/ip_forward", "1", origin);
  add_node_sysctl(state, "net/ipv6/conf/all/forwarding", "1", origin);
  if (const std::string ports = reserved_ports(*view.self); !ports.empty()) {
    state.sysctls["net/ipv4/ip_local_reserved_ports"] = {ports,        true,         {},
                                                         std::nullopt, std::nullopt, origin};
  }
}

}  // namespace arctic
