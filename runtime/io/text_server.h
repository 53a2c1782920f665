// The smallest HTTP/1.1 server that Prometheus can read: GET /metrics, and nothing else.
//
// Used by both runtimes where `metrics` says, on one event loop. One request a connection, 8 KiB
// of head, 5 seconds, 16 connections: what is beyond is closed. The request's head is hostile; of
// it only method and path are looked at, and a body is never read.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/io/sockets.h"
#include "runtime/io/stream_server.h"

namespace arctic {

class TextServer {
 public:
  static constexpr std::size_t kMaxConnections = 16;
  static constexpr std::size_t kMaxHead = 8U << 10;

  struct Options {
    SocketAddress where;
    std::function<std::string()> body;                 ///< of /metrics, asked in the loop's thread
    Watched::Time patience = std::chrono::seconds(5);  ///< for the request, then for the answer
  };

  /// kRefused if the port is taken.
  [[nodiscard]] static Result<std::unique_ptr<TextServer>> make(EventLoop& loop, Options options);

  /// Where it really listens: the port, if it was given as 0.
  [[nodiscard]] const SocketAddress& where() const { return where_; }

 private:
  explicit TextServer(const SocketAddress& where) : where_(where) {}

  SocketAddress where_;
  std::unique_ptr<StreamServer> server_;
};

}  // namespace arctic
