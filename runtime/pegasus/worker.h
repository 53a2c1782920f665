// What one thread of Pegasus has: an event loop, buffers, its tunnels to the peers, and the
// connections that it carries.
//
// Entry and exit work on it; nothing in it is touched by another thread, but for what says so.
#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "runtime/io/sockets.h"
#include "runtime/pegasus/carried.h"
#include "runtime/pegasus/shared.h"
#include "runtime/pegasus/tunnels.h"

namespace arctic {

/// Of one service and role; a worker's own part.
struct ServiceCounts {
  std::uint64_t total = 0;
  std::uint64_t refused = 0;
  RelayCounts ended;  ///< payload of the connections that are over
  /// At the exit until the destination has it, at the entry until OPENED comes, by
  /// kConnectBoundsMs; the last counts the longer ones.
  static constexpr std::array<std::uint32_t, 10> kConnectBoundsMs{1,  2,   5,   10,   25,
                                                                  50, 100, 250, 1000, 5000};
  std::array<std::uint64_t, kConnectBoundsMs.size() + 1> connects{};
  std::uint64_t connect_us = 0;

  void connected(Watched::Time took);
};

/// A tunnel connection that a peer dialled.
struct ServedLink {
  PublicKey peer;
  Watched* socket = nullptr;
  bool busy = false;
};

class Worker {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Worker>> make(Shared& shared, View view);

  [[nodiscard]] EventLoop& loop() { return *loop_; }
  [[nodiscard]] Shared& shared() { return shared_; }
  [[nodiscard]] RelayBuffers& buffers() { return buffers_; }
  [[nodiscard]] Tunnels& tunnels() { return tunnels_; }
  [[nodiscard]] std::unique_ptr<TunnelLink> make_link(LinkEnd end, std::unique_ptr<Watched> socket,
                                                      ConnectionKeys keys);

  [[nodiscard]] const View& view() const { return view_; }
  void set_view(View view);
  /// The current configuration's, else a prepared one's; nullptr if the peer is in neither.
  [[nodiscard]] const PegasusConfig::Peer* peer_config(const std::string& name) const;

  /// Whether the current configuration, or a prepared one, has a peer of this key.
  [[nodiscard]] bool is_peer(const PublicKey& key) const { return view_.knowing(key) != nullptr; }

  /// A connection is on the list while this lives; false if there are too many.
  class Listed {
   public:
    Listed(Worker& worker, Carried& carried);
    ~Listed();
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;
    explicit operator bool() const { return listed_; }

   private:
    Worker& worker_;
    Carried& carried_;
    bool listed_;
  };
  [[nodiscard]] const std::map<std::uint64_t, Carried*>& carried() const { return carried_; }
  [[nodiscard]] ServiceCounts& counts(const PegasusConfig::Tunnel& tunnel);
  using AllCounts = std::map<std::pair<std::string, PegasusConfig::Role>, ServiceCounts>;
  [[nodiscard]] const AllCounts& all_counts() const { return counts_; }

  /// Peers' links, while their coroutines live.
  std::list<ServedLink> served;
  std::size_t answered = 0;  ///< tunnel connections that may be served soon: a first record is due
  std::size_t parting = 0;   ///< that carry nothing any more, but whose last bytes are on their way
  std::vector<Address> own_addresses;  ///< of the node

  /// Connections that none of these configurations allows end with a reset, and idle links of peers
  /// that none of them has. How many connections that were.
  std::size_t cut_gone(const std::vector<RunningHandle>& kept);
  /// To be called now and then: connections that hang on a dead one end, and after many have ended
  /// their memory goes back to the system.
  void look();
  /// Begins no more. Links to peers are closed, those in use when their connection has ended; peers
  /// close theirs when they know, and what they have begun before that is still served.
  void drain();
  [[nodiscard]] bool draining() const { return draining_; }
  /// After cut_all().
  [[nodiscard]] bool cutting() const { return cutting_; }
  /// Everything that is open ends with a reset. How many connections that were.
  std::size_t cut_all();
  [[nodiscard]] bool is_empty() const {
    return carried_.empty() && served.empty() && answered == 0 && parting == 0;
  }

  [[nodiscard]] std::uint32_t chance() { return static_cast<std::uint32_t>(random_()); }
  /// Tells every worker that something about the peer changed.
  void tell_all(const std::string& peer) {
    if (shared_.tell_all) shared_.tell_all(peer);
  }

 private:
  Worker(Shared& shared, View view, std::unique_ptr<EventLoop> loop)
      : shared_(shared), view_(std::move(view)), loop_(std::move(loop)), tunnels_(*this) {}
  [[nodiscard]] bool allows(const Running& config, const Carried& carried) const;

  Shared& shared_;
  View view_;
  std::unique_ptr<EventLoop> loop_;
  RelayBuffers buffers_;
  Tunnels tunnels_;
  std::map<std::uint64_t, Carried*> carried_;
  AllCounts counts_;
  std::size_t most_carried_ = 0;  ///< at once, since memory was given back
  bool draining_ = false;
  bool cutting_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace arctic
