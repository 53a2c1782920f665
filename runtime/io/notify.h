// Word to the service manager: ready, reloading, stopping, and a status line for people.
//
// The protocol of sd_notify(3): datagrams to the socket that $NOTIFY_SOCKET names. Used by each
// runtime's main. Where there is no such socket nothing happens and nothing fails.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "schema/base/result.h"

namespace arctic {

class Notify {
 public:
  /// From $NOTIFY_SOCKET. Call it before the first thread.
  [[nodiscard]] static Notify from_environment();
  /// A path, or `@name` for an abstract socket; empty for none.
  explicit Notify(std::string socket) : socket_(std::move(socket)) {}

  // Each returns what went wrong, for the log; the process goes on in any case.
  Status ready() const;
  /// Before a reload; ready() ends it.
  Status reloading() const;
  Status stopping() const;
  /// One line; control characters become spaces.
  Status status(std::string_view line) const;

 private:
  [[nodiscard]] Status send(std::string_view message) const;

  std::string socket_;
};

}  // namespace arctic
