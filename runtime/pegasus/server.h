// The process: its workers and their listeners, from a checked configuration to the end.
//
// main makes one. Everything that can fail is tried before the first connection is taken.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "runtime/pegasus/worker.h"

namespace arctic {

class Server {
 public:
  struct Options {
    std::size_t workers = 1;
    std::function<void(const std::string&)> log;
  };
  /// Opens every listener. kRefused if a port is taken.
  [[nodiscard]] static Result<std::unique_ptr<Server>> make(PegasusConfig config, KeyPair own,
                                                            Options options);
  ~Server();

  void start();
  /// Ends all threads; connections that are open are cut.
  void stop();

 private:
  struct Listener {
    std::unique_ptr<Watched> socket;
    std::uint16_t port = 0;
    bool tunnel = false;  ///< for peers, else for clients
  };
  struct Thread {
    std::unique_ptr<Worker> worker;
    std::vector<Listener> listeners;
    std::thread thread;
  };
  explicit Server(KeyPair own) : shared_(std::move(own)) {}

  [[nodiscard]] static Status listen(Thread& thread, const SocketAddress& where, bool tunnel);

  Shared shared_;
  std::vector<Thread> threads_;
};

}  // namespace arctic
