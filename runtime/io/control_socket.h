// The control socket of a runtime: a UNIX stream socket, one line a request, one line an answer.
//
// Used by both runtimes, on one event loop. Only root and the process' own user are heard; what the
// lines say is the handler's. Bounded whatever the other end does: 16 connections, 64 KiB a
// request, one answer at a time, and who does not read it in time is closed. Linux:
// unix(7).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/io/local_socket.h"

namespace arctic {

class ControlSocket {
 public:
  static constexpr std::size_t kMaxConnections = 16;
  static constexpr std::size_t kMaxLine = 64U << 10;  ///< without its newline

  struct Answer {
    std::string line;    ///< without a newline
    bool close = false;  ///< after it
  };
  struct Options {
    std::string path;  ///< absolute
    /// For each line, one after the other on a connection. It may wait; meanwhile other connections
    /// are served.
    std::function<Task<Answer>(std::string line)> handle;
    std::string too_long;  ///< the answer to a longer line, before the close
    std::string too_many;  ///< what a 17th connection gets, before the close
    Watched::Time patience = std::chrono::seconds(5);  ///< for an answer to be read
  };

  /// As LocalSocket.
  [[nodiscard]] static Result<std::unique_ptr<ControlSocket>> make(EventLoop& loop,
                                                                   Options options);

 private:
  explicit ControlSocket(std::unique_ptr<LocalSocket> socket) : socket_(std::move(socket)) {}

  std::unique_ptr<LocalSocket> socket_;
};

}  // namespace arctic
