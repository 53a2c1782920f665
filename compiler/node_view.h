// A configuration as one node sees it: the services that it enters and ends, and its neighbours.
//
// Made once per compile; lowering and emission read it. Everything is sorted by name, so the order
// of the file is gone from here on. Holds pointers into the Config; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/allocate.h"
#include "schema/config.h"

namespace arctic {

/// A peer with which the node shares a service, in either role.
struct Neighbour {
  const Peer* peer = nullptr;
  std::uint16_t number = 0;
  std::string device;                    ///< tunnel device
  std::vector<const Service*> arriving;  ///< services from there that end here, by name

  [[nodiscard]] const std::string& name() const { return peer->name.value; }
};

/// A service that enters here.
struct Entry {
  const Service* service = nullptr;
  std::uint16_t number = 0;
  const Neighbour* target = nullptr;

  [[nodiscard]] const std::string& name() const { return service->name.value; }
  [[nodiscard]] std::uint16_t port() const {
    return static_cast<std::uint16_t>(kTproxyPortBase + number);
  }
};

/// Moves, but does not copy: entries point at neighbours.
struct NodeView {
  NodeView() = default;
  NodeView(NodeView&&) = default;
  NodeView& operator=(NodeView&&) = default;

  const Peer* self = nullptr;
  Marks marks;
  std::vector<Neighbour> neighbours;  ///< by name
  std::vector<Entry> entries;         ///< by service name

  [[nodiscard]] bool idle() const { return neighbours.empty(); }
};

/// REQUIRES: `config` has no errors and `node` names one of its peers.
[[nodiscard]] NodeView view_of(const Config& config, const Numbers& numbers,
                               const std::string& node);

/// Where to reach a peer on a port; nullopt if it has no address.
[[nodiscard]] std::optional<Endpoint> endpoint_of(const Peer& peer, std::uint16_t port);

/// "services.syd-to-lon", "peers.lon", "services.syd-to-lon.routes[0]": origins in artifacts.
[[nodiscard]] std::string origin_of(const Service& service);
[[nodiscard]] std::string origin_of(const Peer& peer);
[[nodiscard]] std::string origin_of(const Service& service, std::size_t route);

}  // namespace arctic
