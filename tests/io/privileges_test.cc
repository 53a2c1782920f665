// What a process may do after it has dropped its privileges, as the kernel tells it.
#include "runtime/io/privileges.h"

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <map>
#include <string>

namespace arctic::test {
namespace {

/// What a child writes, which ends by itself.
std::string in_child(const std::function<std::string()>& work) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string said = work();
    const ssize_t size = ::write(ends[1], said.data(), said.size());
    ::_exit(size == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string out;
  char piece[4096];
  for (ssize_t got; (got = ::read(ends[0], piece, sizeof piece)) > 0;) {
    out.append(piece, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  return out;
}

std::string own_status() {
  std::ifstream file("/proc/self/status");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string field(const std::string& status, const std::string& name) {
  const std::size_t at = status.find("\n" + name + ":\t");
  if (at == std::string::npos) return "<none>";
  const std::size_t begin = at + name.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

void set_capabilities(std::uint32_t low) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {{low, low, 0}, {0, 0, 0}};
  ::syscall(SYS_capset, &header, data);
}

}  // namespace

TEST_CASE("CAP_NET_ADMIN alone is left") {
  REQUIRE(::geteuid() == 0);  // the test needs something to drop
  const std::string status = in_child([] {
    const auto first = drop_privileges();
    const auto again = drop_privileges();
    return first && again ? own_status() : "failed";
  });
  const std::string net_admin = "0000000000001000";
  const std::string none = "0000000000000000";
  CHECK(field(status, "CapPrm") == net_admin);
  CHECK(field(status, "CapEff") == net_admin);
  CHECK(field(status, "CapInh") == none);
  CHECK(field(status, "CapBnd") == none);
  CHECK(field(status, "CapAmb") == none);
  CHECK(field(status, "NoNewPrivs") == "1");
}

TEST_CASE("what is left is enough, and no more") {
  const std::string said = in_child([] {
    if (!drop_privileges()) return std::string("failed");
    std::string out;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    out += ::setsockopt(fd, SOL_SOCKET, SO_MARK, &on, sizeof on) == 0 ? "mark " : "";
    out += ::setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof on) == 0 ? "transparent " : "";
    // The C library's would ask every thread, and sanitizers have threads of their own.
    out += ::syscall(SYS_setresuid, 1, 1, 1) == 0 ? "setuid " : "";
    out += ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0 ? "raw " : "";
    return out;
  });
  CHECK(said == "mark transparent ");
}

TEST_CASE("without CAP_SETPCAP all but the bounding set is dropped") {
  const std::string status = in_child([] {
    set_capabilities(1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW);
    return drop_privileges() ? own_status() : std::string("failed");
  });
  CHECK(field(status, "CapPrm") == "0000000000001000");
  CHECK(field(status, "CapEff") == "0000000000001000");
  CHECK(field(status, "CapAmb") == "0000000000000000");
  CHECK(field(status, "NoNewPrivs") == "1");
}

TEST_CASE("without CAP_NET_ADMIN it says so and changes nothing") {
  const std::string said = in_child([] {
    set_capabilities(1U << CAP_NET_RAW);
    const auto dropped = drop_privileges();
    if (dropped) return std::string("dropped");
    return std::to_string(static_cast<int>(dropped.error().code)) + " " +
           dropped.error().message() + "\n" + own_status();
  });
  CHECK(said.substr(0, said.find(':')) == "5 CAP_NET_ADMIN");
  CHECK(field(said, "CapPrm") == "0000000000002000");
  CHECK(field(said, "NoNewPrivs") == "0");
}

}  // namespace arctic::test
