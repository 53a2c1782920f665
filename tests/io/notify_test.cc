// The service manager's datagrams, at a real socket.
#include "runtime/io/notify.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cstring>

#include "runtime/io/owned_fd.h"
#include "tests/support/loop_thread.h"

namespace arctic::test {
namespace {

/// What systemd would have: a datagram socket at a path, or at an abstract name after '@'.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }
  /// The next datagram; "<none>" if there is none.
  [[nodiscard]] std::string next() const {
    char text[4096];
    const ssize_t got = ::recv(fd_.get(), text, sizeof text, 0);
    return got < 0 ? "<none>" : std::string(text, static_cast<std::size_t>(got));
  }

 private:
  OwnedFd fd_;
};

}  // namespace

TEST_CASE("each word is one datagram, by path and by abstract name") {
  const TempFolder folder;
  for (const std::string& name :
       {folder.path() + "/notify", "@arctic-notify-test-" + std::to_string(::getpid())}) {
    INFO(name);
    const Manager manager(name);
    const Notify notify(name);
    CHECK(notify.ready());
    CHECK(manager.next() == "READY=1");
    CHECK(notify.stopping());
    CHECK(manager.next() == "STOPPING=1");
    CHECK(notify.status("3 services, 2 peers\nREADY=0\x7f"));
    CHECK(manager.next() == "STATUS=3 services, 2 peers READY=0 ");
    CHECK(manager.next() == "<none>");
  }
}

TEST_CASE("a reload says when it began, on the monotonic clock") {
  const TempFolder folder;
  const Manager manager(folder.path() + "/notify");
  const auto microseconds = [] {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
  };
  const long long before = microseconds();
  CHECK(Notify(folder.path() + "/notify").reloading());
  const long long after = microseconds();
  const std::string said = manager.next();
  const std::string begin = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(said.substr(0, begin.size()) == begin);
  const long long at = std::stoll(said.substr(begin.size()));
  CHECK(before <= at);
  CHECK(at <= after);
}

TEST_CASE("without a manager nothing happens, a bad one is said") {
  CHECK(Notify("").ready());
  const TempFolder folder;
  for (const std::string& name : {std::string("relative"), std::string("vsock:2:1"),
                                  std::string(200, '/'), folder.path() + "/nobody"}) {
    const auto sent = Notify(name).ready();
    REQUIRE_FALSE(sent);
    CHECK(sent.error().subject == "NOTIFY_SOCKET=" + name);
  }
  REQUIRE(::setenv("NOTIFY_SOCKET", (folder.path() + "/notify").c_str(), 1) == 0);
  const Manager manager(folder.path() + "/notify");
  CHECK(Notify::from_environment().ready());
  CHECK(manager.next() == "READY=1");
  REQUIRE(::unsetenv("NOTIFY_SOCKET") == 0);
  CHECK(Notify::from_environment().ready());
  CHECK(manager.next() == "<none>");
}

TEST_CASE("a manager that does not read stops nobody") {
  const TempFolder folder;
  const Manager manager(folder.path() + "/notify");
  const Notify notify(folder.path() + "/notify");
  int sent = 0;
  while (sent < 100'000 && notify.ready()) ++sent;
  CHECK(sent < 100'000);
}

}  // namespace arctic::test
