// An identity at work: its peers, its devices, its port, and the threads that carry packets.
//
// Both faces of Tempest drive one from their control loop; all of it is for that loop's thread, but
// what the workers call, which comes in by a queue. Public-key work happens here, never in a
// worker; the queue is bounded, and while it is long, strangers have to show their addresses first.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io/event_loop.h"
#include "runtime/io/log.h"
#include "runtime/tempest/roster.h"
#include "runtime/tempest/worker.h"

namespace arctic {

class Engine {
 public:
  using Time = TunnelPeer::Time;

  struct Options {
    std::size_t workers = 1;
    std::shared_ptr<Timestamps> timestamps;  ///< one per process
    /// A device was deleted by somebody. May be empty.
    std::function<void(std::uint32_t device)> gone;
  };
  /// Its workers run from the beginning.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> make(EventLoop& loop, KeyPair own,
                                                            Options options);
  /// In the loop's thread. Sessions end; devices stay as they are.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const PublicKey& own() const { return roster_->local()->own.point; }

  // ---- The port ----

  /// Another port, or mark, from now on; 0: any that is free. If it fails nothing has changed.
  [[nodiscard]] Status bind(std::uint16_t port, std::uint32_t mark);
  void unbind();
  /// A port for use_port(), opened beside the one that is used.
  [[nodiscard]] Result<UdpBound> open_port(std::uint16_t port, std::uint32_t mark);
  [[nodiscard]] Status use_port(UdpBound port);
  [[nodiscard]] std::uint16_t port() const { return bound_.port; }  ///< 0: none

  // ---- Devices, by numbers of the caller's ----

  /// REQUIRES: one queue per worker.
  [[nodiscard]] Status add_device(std::uint32_t device, const std::string& name, std::uint32_t mtu,
                                  std::vector<TunQueue> queues);
  void remove_device(std::uint32_t device);
  [[nodiscard]] std::size_t workers() const { return threads_.size(); }
  void set_table(std::uint32_t device, PeerTable table);
  void set_mtu(std::uint32_t device, std::uint32_t mtu);

  // ---- Peers ----

  /// The peer of that key, made if it is not there.
  PeerHandle add_peer(const PublicKey& key, std::uint32_t device);
  /// First take it out of its device's table.
  void remove_peer(const PublicKey& key);
  /// Begins to be a peer's: a handshake now, not with the first packet.
  void initiate(const PeerHandle& peer);
  void keep_alive(const PeerHandle& peer);
  /// Forgets its sessions and what waits for one.
  void reset(const PeerHandle& peer);
  /// After a change of what it is told to be.
  void tend(const PeerHandle& peer);
  /// The addresses of this machine, or its routes, have changed.
  void forget_local_addresses();

  // ---- For people ----

  [[nodiscard]] Time now() const { return loop_.now(); }
  [[nodiscard]] DropCounts drops() const;
  struct Support {
    bool sends_trains = true;
    bool takes_trains = true;
    TunOffloads tun{true, true};
  };
  /// What every worker found the kernel to do by now.
  [[nodiscard]] Support support();

 private:
  struct Thread {
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };
  /// What workers hand over.
  class Inbox;

  Engine(EventLoop& loop, Options options) : loop_(loop), options_(std::move(options)) {}
  [[nodiscard]] Status start(KeyPair own);
  [[nodiscard]] Status on_workers(const std::function<Status(Worker&, std::size_t)>& what);
  void take_inbox();
  void perform(const PeerHandle& peer, TunnelPeer::Actions actions);
  void tend_at(const PeerHandle& peer, Time when);
  void forget_timer(const PublicKey& key);
  void know_place(const PeerHandle& peer);

  EventLoop& loop_;
  const Options options_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<Roster> roster_;
  std::vector<Thread> threads_;
  UdpBound bound_;
  Support support_;
  DropCounter drops_;
  std::map<PublicKey, EventLoop::Timers::iterator> timers_;
};

}  // namespace arctic
