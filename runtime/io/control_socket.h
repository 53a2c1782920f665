// The control socket of a runtime: a UNIX stream socket, one line a request, one line an answer.
//
// Used by both runtimes, on one event loop. Only root and the process' own user are heard; what the
// lines say is the handler's. Bounded whatever the other end does: 16 connections, 64 KiB a
// request, one answer at a time, and who does not read it in time is closed. Linux:
// unix(7).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "runtime/io/owned_fd.h"
#include "runtime/io/stream_server.h"

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
    std::string path;  ///< absolute; folders that are missing are made with mode 0755
    /// For each line, one after the other on a connection. It may wait; meanwhile other connections
    /// are served.
    std::function<Task<Answer>(std::string line)> handle;
    std::string too_long;  ///< the answer to a longer line, before the close
    std::string too_many;  ///< what a 17th connection gets, before the close
    Watched::Time patience = std::chrono::seconds(5);  ///< for an answer to be read
  };

  /// Binds the path with mode 0600. The socket of a process that is gone is replaced; kRefused if
  /// one is alive, or if something else is there. Never follows a link at the end of the path.
  [[nodiscard]] static Result<std::unique_ptr<ControlSocket>> make(EventLoop& loop,
                                                                   Options options);
  /// Takes the path away if it is still this socket's. As StreamServer: in the loop's thread.
  ~ControlSocket();

 private:
  ControlSocket(OwnedFd folder, std::string name, dev_t device, ino_t inode)
      : folder_(std::move(folder)), name_(std::move(name)), device_(device), inode_(inode) {}

  OwnedFd folder_;
  std::string name_;
  dev_t device_;
  ino_t inode_;
  std::unique_ptr<StreamServer> server_;
};

}  // namespace arctic
