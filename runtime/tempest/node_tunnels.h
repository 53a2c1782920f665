// The tunnels of a node: one device and one peer each, as its configurations say.
//
// The node's server tells it what is wanted; it attaches to the devices that the reconciler makes,
// whenever they are there, resolves where peers are, and says how they are. What does not change is
// not touched. In the control loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/io/log.h"
#include "runtime/io/task.h"
#include "runtime/tempest/engine.h"
#include "runtime/tempest/place_keeper.h"
#include "runtime/tempest/uapi_socket.h"
#include "schema/artifact/tempest_config.h"
#include "schema/artifact/tempest_status.h"

namespace arctic {

class NodeTunnels {
 public:
  using Tunnel = TempestConfig::Tunnel;

  NodeTunnels(EventLoop& loop, Log& log, Engine& engine, std::string root)
      : loop_(loop),
        log_(log),
        engine_(engine),
        root_(std::move(root)),
        keeper_(log, root_ + "/run/arctic/tempest.endpoints") {}
  ~NodeTunnels();
  NodeTunnels(const NodeTunnels&) = delete;
  NodeTunnels& operator=(const NodeTunnels&) = delete;

  /// From now on these, of different devices and keys; what is there and is wanted stays.
  void follow(const std::vector<Tunnel>& wanted);
  /// Links may have come: attaches to those that were missed.
  void attach_missing();
  /// A device was deleted.
  void lose(std::uint32_t number);
  /// Every few seconds: peers that do not answer are looked for where the file says, and where the
  /// others are is kept.
  void look();

  [[nodiscard]] std::vector<TempestStatus::Peer> status() const;

 private:
  struct Member {
    Tunnel tunnel;
    std::uint32_t number = 0;
    PeerHandle peer;
    bool attached = false;
    std::string last_error;
    std::unique_ptr<UapiSocket> socket;
  };

  void add(const Tunnel& tunnel);
  void remove(Member& member);
  void change(Member& member, const Tunnel& tunnel);
  [[nodiscard]] Status attach(Member& member);
  void note(Member& member, const Error& error);
  /// Where the peer is, as far as we know.
  void put(const Member& member, const Address& address, std::uint16_t port);
  Task<void> find_peer(std::string device, bool begin);
  [[nodiscard]] bool answers(const Member& member) const;
  void keep_places();
  [[nodiscard]] std::string uapi_of(const std::string& device) const;

  EventLoop& loop_;
  Log& log_;
  Engine& engine_;
  const std::string root_;
  PlaceKeeper keeper_;
  std::map<std::string, Member> members_;  ///< by device
  std::uint32_t next_number_ = 1;
};

}  // namespace arctic
