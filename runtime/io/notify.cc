#include "runtime/io/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "runtime/io/owned_fd.h"

namespace arctic {

Notify Notify::from_environment() {
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  return Notify(socket == nullptr ? "" : socket);
}

Status Notify::ready() const { return send("READY=1"); }

Status Notify::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
  return send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

Status Notify::stopping() const { return send("STOPPING=1"); }

Status Notify::status(std::string_view line) const {
  std::string message = "STATUS=";
  message += line;
  std::replace_if(
      message.begin(), message.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return send(message);
}

Status Notify::send(std::string_view message) const {
  if (socket_.empty()) return {};
  const auto failed = [&](const std::string& reason) {
    return fail(ErrorCode::kFailure, "NOTIFY_SOCKET=" + socket_, reason);
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path || (socket_[0] != '/' && socket_[0] != '@')) {
    return failed("is neither a path nor an abstract name");
  }
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const OwnedFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return failed("socket: " + errno_text(errno));
  // Never waits: a service manager that does not read must not stop the data path.
  const ssize_t sent =
      ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&address), size);
  if (sent < 0) return failed("sendto: " + errno_text(errno));
  return {};
}

}  // namespace arctic
