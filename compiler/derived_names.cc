#include "compiler/derived_names.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "compiler/allocate.h"

namespace arctic {
namespace {

constexpr int kRule = 20;

/// Names of an ID's characters that the kernel does not take for a new interface: "all" and
/// "default" are folders of /proc/sys/net, and "lo" is there already.
bool usable_interface_name(std::string_view name) {
  return name != "all" && name != "default" && name != "lo";
}

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

/// All the names of one file, each reported where it meets one that was there before.
class NameCheck {
 public:
  NameCheck(const Config& config, Diagnostics& diagnostics)
      : config_(config), diagnostics_(diagnostics) {
    for (const Peer& peer : config.peers) peers_.emplace(peer.name.value, &peer);
  }

  void run() {
    check_ids();
    for (const Service& service : config_.services) check_devices(service);
    for (const Service& service : config_.services) check_macvlan(service);
  }

 private:
  static Span id_span(const Service& service) {
    return service.id ? service.id->span : service.name.span;
  }

  void check_ids() {
    std::map<std::string, const Service*> seen;
    for (const Service& service : config_.services) {
      // Names that are equal or missing are reported as such.
      if (service.name.value.empty() || !names_.insert(service.name.value).second) continue;
      const auto [it, fresh] = seen.emplace(service_id(service), &service);
      if (fresh) continue;
      repeated_.insert(&service);
      diagnostics_.error(kRule, id_span(service),
                         "the service ID " + quoted(it->first) + " is that of " +
                             quoted(it->second->name.value) + " already",
                         "write another `id` for one of the two services");
    }
  }

  /// The tunnel devices of both ends of a service.
  void check_devices(const Service& service) {
    const std::string& source = service.source_peer.value;
    const std::string& target = service.target_peer.value;
    if (source == target || !peers_.contains(source) || !peers_.contains(target)) return;
    check_device(source, target);
    check_device(target, source);
  }

  void check_device(const std::string& node, const std::string& other) {
    const std::string device = tunnel_device(other);
    const auto [it, fresh] = devices_.emplace(std::pair{node, device}, other);
    if (fresh) {
      check_device_against_parent(node, other, device);
    } else if (it->second != other && reported_.insert({it->second, other}).second) {
      diagnostics_.error(kRule, peers_.at(other)->name.span,
                         "on peer " + quoted(node) + " the tunnel device " + quoted(device) +
                             " would lead to " + quoted(it->second) + " and to " + quoted(other),
                         "rename one of the two peers");
    }
  }

  void check_device_against_parent(const std::string& node, const std::string& other,
                                   const std::string& device) {
    const Peer& peer = *peers_.at(node);
    if (!peer.parent_interface || peer.parent_interface->value != device) return;
    diagnostics_.error(kRule, peer.parent_interface->span,
                       quoted(device) + " is the tunnel device from this peer to " + quoted(other),
                       "name the interface that leads into the local network");
  }

  void check_macvlan(const Service& service) {
    if (!service.has_interface() || repeated_.contains(&service)) return;
    if (!peers_.contains(service.source_peer.value)) return;
    const std::string name = macvlan_name(service);
    const Peer& peer = *peers_.at(service.source_peer.value);
    const Span span = id_span(service);
    const std::string whose = "the interface of this service is named " + quoted(name) +
                              " (the first 15 characters of its ID)";
    const std::string cure = "write another `id` for this service";
    if (!usable_interface_name(name)) {
      diagnostics_.error(kRule, span, whose + ", which Linux does not take for an interface", cure);
      return;
    }
    const auto [it, fresh] = macvlans_.emplace(std::pair{peer.name.value, name}, &service);
    if (!fresh && it->second->name.value != service.name.value) {
      diagnostics_.error(
          kRule, span,
          whose + ", and so is that of " + quoted(it->second->name.value) + " on the same peer",
          "write an `id` for one of the two that differs in its first 15 characters");
    }
    const auto device = devices_.find(std::pair{peer.name.value, name});
    if (device != devices_.end()) {
      diagnostics_.error(
          kRule, span, whose + ", and so is the tunnel device to " + quoted(device->second), cure);
    }
    if (peer.parent_interface && peer.parent_interface->value == name) {
      diagnostics_.error(
          kRule, span, whose + ", and so is `parent_interface` of peer " + quoted(peer.name.value),
          cure);
    }
  }

  using NodeAndName = std::pair<std::string, std::string>;

  const Config& config_;
  Diagnostics& diagnostics_;
  std::map<std::string, const Peer*> peers_;
  std::set<std::string> names_;
  std::set<const Service*> repeated_;           ///< reported for the whole ID
  std::map<NodeAndName, std::string> devices_;  ///< → the peer it leads to
  std::map<NodeAndName, const Service*> macvlans_;
  std::set<std::pair<std::string, std::string>> reported_;  ///< pairs of peers
};

}  // namespace

void check_derived_names(const Config& config, Diagnostics& diagnostics) {
  NameCheck(config, diagnostics).run();
}

}  // namespace arctic
