#include "runtime/host/runtime_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "runtime/io/owned_fd.h"

namespace arctic {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostAnswer = 64U << 20;  // thousands of connections fit

std::string place_of(const std::string& name) { return "/run/arctic/" + name + ".sock"; }

/// Not valid if nobody listens.
OwnedFd connect_to(const Files& files, const std::string& name, bool& full) {
  full = false;
  const OwnedFd place = files.locate(place_of(name));
  if (!place.valid()) return {};
  OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return {};
  // By descriptor: a root folder can make the path longer than a socket address holds.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(place.get());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  full = errno == EAGAIN;
  return {};
}

/// False when the time is up.
bool wait_for(int fd, short events, Clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{fd, events, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

tl::unexpected<Error> no_answer(const std::string& name, const std::string& why) {
  return fail(ErrorCode::kUnreachable, place_of(name), why,
              "look at the log of " + name + "; a restart brings it back");
}

}  // namespace

bool runtime_listens(const Files& files, const std::string& name) {
  bool full = false;
  return connect_to(files, name, full).valid() || full;  // a full queue is a listener too
}

Result<std::optional<std::string>> ask_runtime(const Files& files, const std::string& name,
                                               const std::string& line,
                                               std::chrono::milliseconds patience) {
  const auto end = Clock::now() + patience;
  bool full = false;
  const OwnedFd socket = connect_to(files, name, full);
  if (full) return no_answer(name, "takes no more connections");
  if (!socket.valid()) return std::nullopt;
  std::string out = line + "\n";
  while (!out.empty()) {
    const ssize_t sent = ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      out.erase(0, static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return no_answer(name, "hung up: " + errno_text(errno));
    } else if (!wait_for(socket.get(), POLLOUT, end)) {
      return no_answer(name, "does not listen to what it is asked");
    }
  }
  std::string answer;
  char buffer[16384];
  while (answer.size() < kMostAnswer) {
    const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (got > 0) {
      answer.append(buffer, static_cast<std::size_t>(got));
      const auto newline = answer.find('\n', answer.size() - static_cast<std::size_t>(got));
      if (newline != std::string::npos) return answer.substr(0, newline);
    } else if (got == 0) {
      return no_answer(name, "hung up before it had answered");
    } else if (errno != EAGAIN && errno != EINTR) {
      return no_answer(name, "hung up: " + errno_text(errno));
    } else if (!wait_for(socket.get(), POLLIN, end)) {
      return no_answer(name, "does not answer");
    }
  }
  return no_answer(name, "does not stop answering");
}

}  // namespace arctic
