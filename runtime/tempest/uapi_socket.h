// The socket of a WireGuard interface, at the place where `wg` looks for it.
//
// Both faces of Tempest have one for each device: the interface's own takes changes, a node's only
// answers. In the control loop's thread. Reference: as uapi.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/io/local_socket.h"
#include "runtime/tempest/uapi.h"

namespace arctic {

class UapiSocket {
 public:
  struct Handler {
    std::function<std::string()> get;    ///< encode_uapi()
    std::function<int(UapiChange)> set;  ///< 0 or an errno value; empty: nothing may be changed
  };
  /// At `root`/var/run/wireguard/NAME.sock.
  [[nodiscard]] static Result<std::unique_ptr<UapiSocket>> make(EventLoop& loop,
                                                                const std::string& root,
                                                                const std::string& name,
                                                                Handler handler);
  [[nodiscard]] bool is_in_place() const { return socket_->is_in_place(); }

 private:
  explicit UapiSocket(std::unique_ptr<LocalSocket> socket) : socket_(std::move(socket)) {}

  std::unique_ptr<LocalSocket> socket_;
};

}  // namespace arctic
