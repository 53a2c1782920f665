// Fresh network namespaces for tests, without names and without traces.
//
// A Netns lives as long as its object (or its process); nothing is left behind, whatever happens.
// Namespaces belong to threads: `Inside` moves the calling thread into one and back again, so a
// test can play several machines in turn. Commands run inside inherit the namespace. Needs root; a
// test without it fails, it is never skipped. Never touches the namespace that the test was started
// in.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace arctic::test {

/// What a command printed (both streams) and its exit status.
struct CommandResult {
  int status = -1;
  std::string output;
};

/// Runs `command` in the calling thread's network namespace.
inline CommandResult run_command(const std::string& command) {
  FILE* pipe = ::popen(("( " + command + " ) 2>&1").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("popen: " + command);
  CommandResult result;
  char buffer[65536];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    result.output.append(buffer, n);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

/// As run_command, but throws unless the command succeeds. Returns its output.
inline std::string must_run(const std::string& command) {
  CommandResult result = run_command(command);
  if (result.status != 0) {
    throw std::runtime_error(command + ": status " + std::to_string(result.status) + "\n" +
                             result.output);
  }
  return std::move(result.output);
}

class Netns {
 public:
  /// A new namespace with `lo` up; the calling thread stays where it is.
  Netns() {
    const int before = open_current();
    if (::unshare(CLONE_NEWNET) != 0) {
      ::close(before);
      throw std::runtime_error(std::string("a network namespace needs root: ") +
                               std::strerror(errno));
    }
    fd_ = open_current();
    const bool up = bring_lo_up();
    enter(before);
    ::close(before);
    if (!up) throw std::runtime_error("cannot bring lo up");
  }
  ~Netns() {
    if (fd_ >= 0) ::close(fd_);
  }
  Netns(Netns&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Netns(const Netns&) = delete;
  Netns& operator=(const Netns&) = delete;
  Netns& operator=(Netns&&) = delete;

  /// While it lives, the calling thread is inside the namespace.
  class Inside {
   public:
    explicit Inside(const Netns& netns) : before_(open_current()) { enter(netns.fd_); }
    ~Inside() {
      enter(before_);
      ::close(before_);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    int before_;
  };

  template <class Function>
  auto run(Function&& function) const {
    const Inside inside(*this);
    return std::forward<Function>(function)();
  }

  /// Runs a shell command inside; throws unless it succeeds.
  std::string sh(const std::string& command) const {
    const Inside inside(*this);
    return must_run(command);
  }

  [[nodiscard]] int fd() const { return fd_; }
  /// For `ip link set DEV netns PATH`, as long as this process lives.
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_);
  }

 private:
  static int open_current() {
    const int fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw std::runtime_error("cannot open /proc/thread-self/ns/net");
    return fd;
  }
  static void enter(int fd) {
    // A thread that cannot get back would go on in the wrong namespace: better to end here.
    if (::setns(fd, CLONE_NEWNET) != 0) std::terminate();
  }
  static bool bring_lo_up() {
    const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0) return false;
    ifreq request{};
    std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    const bool up = ::ioctl(control, SIOCSIFFLAGS, &request) == 0;
    ::close(control);
    return up;
  }

  int fd_ = -1;
};

}  // namespace arctic::test
