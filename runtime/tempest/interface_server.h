// The life of a WireGuard interface: its socket, its signals, and its end.
//
// main runs it for `tempest IFACE`. It ends with SIGTERM or SIGINT, and when its socket or its
// device is taken away, as wireguard-go does.
#pragma once

#include <functional>
#include <memory>

#include "runtime/io/local_socket.h"
#include "runtime/tempest/interface.h"

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
  [[nodiscard]] Status open_events();
  Task<void> converse(Watched& socket);
  Task<void> take_signals(std::unique_ptr<Watched> signals);
  Task<void> take_news(std::unique_ptr<Watched> news);
  Task<void> look_about();
  [[nodiscard]] std::string answer(std::string_view request);
  void end(const char* why);

  Log& log_;
  const Options options_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Interface> interface_;
  std::unique_ptr<LocalSocket> socket_;
  bool ending_ = false;
};

}  // namespace arctic
