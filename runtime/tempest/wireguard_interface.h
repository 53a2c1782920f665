// A WireGuard interface of its own: the face that `wg` and `wg-quick` know.
//
// One TUN device with its peers, its key and its port, as its socket was told last. Whoever runs it
// gives it requests and tells it whether the device is up. In the control loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/tempest/engine.h"
#include "runtime/tempest/uapi.h"

namespace arctic {

class WireguardInterface {
 public:
  struct Options {
    std::string name;
    std::size_t workers = 1;
    std::function<void()> gone;  ///< the device was deleted
  };
  /// Makes the device if it is not there.
  [[nodiscard]] static Result<std::unique_ptr<WireguardInterface>> make(EventLoop& loop, Log& log,
                                                                        Options options);

  /// All of it, or, with an errno value, none.
  [[nodiscard]] int set(UapiChange change);
  [[nodiscard]] std::string get() const;

  /// What the kernel says of the device by now: up or down, its name and MTU. False if it is gone.
  bool look();
  /// Addresses or routes of this machine have changed.
  void forget_local_addresses();

 private:
  static constexpr std::uint32_t kDevice = 0;

  struct Member {
    PublicKey key;
    PeerHandle peer;  ///< null: there is no key of our own yet
    Key psk;
    std::optional<PeerEndpoint> endpoint;  ///< as was said last
    std::uint16_t keepalive = 0;
  };

  WireguardInterface(EventLoop& loop, Log& log, Options options)
      : loop_(loop), log_(log), options_(std::move(options)) {}
  [[nodiscard]] Status open();
  [[nodiscard]] Status begin_engine();
  void end_engine();
  [[nodiscard]] Status go_up();
  void go_down();
  void enlist(Member& member);
  void remove(std::uint32_t place);
  void change_peer(const UapiPeerChange& change);
  /// Takes the port and mark that a change wants; without a key, sees that they can be had.
  [[nodiscard]] Status claim_port(UapiChange& change);
  [[nodiscard]] int change_key(Key key);  ///< 0 or an errno value
  void publish();
  [[nodiscard]] std::optional<std::uint32_t> find(const PublicKey& key) const;

  EventLoop& loop_;
  Log& log_;
  Options options_;
  std::vector<TunQueue> queues_;  ///< kept open, so that the device stays
  std::uint32_t mtu_ = 0;
  bool up_ = false;

  std::optional<KeyPair> own_;
  std::uint16_t port_ = 0;
  std::uint32_t mark_ = 0;
  std::vector<std::optional<Member>> members_;  ///< places are values of allowed_
  AllowedIps allowed_;
  std::shared_ptr<Timestamps> timestamps_ = std::make_shared<Timestamps>();
  std::unique_ptr<Engine> engine_;
};

}  // namespace arctic
