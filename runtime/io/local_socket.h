// A UNIX stream socket at a path, for root and the process' own user alone.
//
// Control sockets are made of one: where it lies, who may speak, and that it goes with its process.
// What is said is the caller's. Linux: unix(7).
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>

#include "runtime/io/owned_fd.h"
#include "runtime/io/stream_server.h"

namespace arctic {

class LocalSocket {
 public:
  /// `path` is absolute; folders that are missing are made with mode 0755. Binds it with mode 0600.
  /// The socket of a process that is gone is replaced; kRefused if one is alive, or if something
  /// else is there. Never follows a link at the end of the path. Who may not speak is closed
  /// without a word.
  [[nodiscard]] static Result<std::unique_ptr<LocalSocket>> make(EventLoop& loop,
                                                                 const std::string& path,
                                                                 StreamServer::Options options);
  /// Takes the path away if it is still this socket's. As StreamServer: in the loop's thread.
  ~LocalSocket();
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;

  /// Nobody has taken the path away, or put something else there.
  [[nodiscard]] bool is_in_place() const;

 private:
  LocalSocket(OwnedFd folder, std::string name, dev_t device, ino_t inode)
      : folder_(std::move(folder)), name_(std::move(name)), device_(device), inode_(inode) {}

  OwnedFd folder_;
  std::string name_;
  dev_t device_;
  ino_t inode_;
  std::unique_ptr<StreamServer> server_;
};

}  // namespace arctic
