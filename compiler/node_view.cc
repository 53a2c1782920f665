#include "compiler/node_view.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace arctic {
namespace {

template <class T>
bool by_name(const T& a, const T& b) {
  return a.name() < b.name();
}

}  // namespace

NodeView view_of(const Config& config, const Numbers& numbers, const std::string& node) {
  NodeView view;
  std::map<std::string_view, const Peer*> peers;
  for (const Peer& peer : config.peers) peers.emplace(peer.name.value, &peer);
  view.self = peers.at(node);
  view.marks.shift = view.self->mark_shift.value;

  std::map<std::string_view, Neighbour> neighbours;
  const auto meet = [&](const std::string& name) -> Neighbour& {
    const auto [it, is_new] = neighbours.try_emplace(name);
    if (is_new) {
      it->second = {peers.at(name), numbers.peers.at(name), tunnel_device(name), {}};
    }
    return it->second;
  };
  for (const Service& service : config.services) {
    if (service.source_peer.value == node) {
      meet(service.target_peer.value);
      view.entries.push_back({&service, numbers.services.at(service.name.value), nullptr});
    } else if (service.target_peer.value == node) {
      meet(service.source_peer.value).arriving.push_back(&service);
    }
  }

  for (auto& [name, neighbour] : neighbours) {
    std::sort(neighbour.arriving.begin(), neighbour.arriving.end(),
              [](const Service* a, const Service* b) { return a->name.value < b->name.value; });
    view.neighbours.push_back(std::move(neighbour));
  }
  std::sort(view.entries.begin(), view.entries.end(), by_name<Entry>);
  for (Entry& entry : view.entries) {
    const std::string& target = entry.service->target_peer.value;
    entry.target = &*std::lower_bound(view.neighbours.begin(), view.neighbours.end(), target,
                                      [](const Neighbour& neighbour, const std::string& name) {
                                        return neighbour.name() < name;
                                      });
  }
  return view;
}

std::optional<Endpoint> endpoint_of(const Peer& peer, std::uint16_t port) {
  if (!peer.address) return std::nullopt;
  return Endpoint{peer.address->value.text, port};
}

std::string origin_of(const Service& service) { return "services." + service.name.value; }

std::string origin_of(const Peer& peer) { return "peers." + peer.name.value; }

std::string origin_of(const Service& service, std::size_t route) {
  return origin_of(service) + ".routes[" + std::to_string(route) + "]";
}

}  // namespace arctic
