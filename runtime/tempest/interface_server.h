// The life of a WireGuard interface: its socket, its signals, and its end.
//
// main runs it for `tempest IFACE`. It ends with SIGTERM or SIGINT, and when its socket or its
// device is taken away, as wireguard-go does.
#pragma once

#include <memory>
#include <string>

#include "runtime/io/network_news.h"
#include "runtime/io/signals.h"
#include "runtime/tempest/uapi_socket.h"
#include "runtime/tempest/wireguard_interface.h"

namespace arctic {

class InterfaceServer {
 public:
  struct Options {
    std::string name;
    std::size_t workers = 1;
  };
  [[nodiscard]] static Result<std::unique_ptr<InterfaceServer>> make(Log& log, Options options);
  ~InterfaceServer();

  /// REQUIRES: SIGTERM and SIGINT are blocked.
  void run();

 private:
  InterfaceServer(Log& log, Options options) : log_(log), options_(std::move(options)) {}
  [[nodiscard]] Status open();
  Task<void> look_about();
  void end(const char* why);

  Log& log_;
  const Options options_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<WireguardInterface> interface_;
  std::unique_ptr<UapiSocket> socket_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<NetworkNews> news_;
  bool ending_ = false;
};

}  // namespace arctic
