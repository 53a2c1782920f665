#include "runtime/io/udp_sockets.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "runtime/io/sockets.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace arctic {
namespace {

constexpr int kBufferBytes = 4 << 20;

void set(int fd, int level, int name, int value) {
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

Status named_failure(const char* call) {
  return fail(ErrorCode::kFailure, call, errno_text(errno));
}

/// Not bound yet; an invalid descriptor where the kernel does not have this family.
Result<OwnedFd> make_socket(Family family, std::uint32_t mark) {
  const bool four = family == Family::kIpv4;
  OwnedFd fd(::socket(four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    if (!four && errno == EAFNOSUPPORT) return fd;
    return fail(ErrorCode::kFailure, "socket", errno_text(errno));
  }
  if (four) {
    set(fd.get(), IPPROTO_IP, IP_PKTINFO, 1);
    // As the kernel's own: what is too large for the way may be taken apart on it.
    set(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  } else {
    set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  }
  set(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes);
  set(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, kBufferBytes);
  if (mark != 0 && ::setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
    return tl::unexpected<Error>(named_failure("SO_MARK").error());
  }
  return fd;
}

Status bind_to(const OwnedFd& fd, Family family, std::uint16_t port) {
  const RawAddress raw(SocketAddress{{family, 0}, port});
  if (::bind(fd.get(), raw.get(), raw.size) == 0) return {};
  if (errno == EADDRINUSE) {
    return fail(ErrorCode::kRefused, "UDP port " + std::to_string(port),
                "is taken by another program", "end that program, or choose another port");
  }
  return fail(ErrorCode::kFailure, "UDP port " + std::to_string(port), errno_text(errno));
}

/// Who shares a port does not see that another process shares it too; who does not, does.
Result<std::uint16_t> check_free(std::uint16_t port, std::uint32_t mark) {
  ARCTIC_TRY(const OwnedFd four, make_socket(Family::kIpv4, mark));
  ARCTIC_CHECK(bind_to(four, Family::kIpv4, port));
  if (port == 0) port = local_address(four.get()).value_or(SocketAddress{}).port;
  ARCTIC_TRY(const OwnedFd six, make_socket(Family::kIpv6, mark));
  if (six.valid()) ARCTIC_CHECK(bind_to(six, Family::kIpv6, port));
  return port;
}

Result<OwnedFd> bound_socket(Family family, std::uint16_t port, std::uint32_t mark) {
  ARCTIC_TRY(OwnedFd fd, make_socket(family, mark));
  if (!fd.valid()) return fd;
  set(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  ARCTIC_CHECK(bind_to(fd, family, port));
  return fd;
}

bool take_trains(const OwnedFd& fd) {
  const int on = 1;
  return !fd.valid() || ::setsockopt(fd.get(), IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
}

}  // namespace

Result<UdpBound> bind_udp(std::uint16_t port, std::size_t count, std::uint32_t mark) {
  constexpr int kTries = 8;  // a free port of IPv4 may not be free for IPv6
  Result<std::uint16_t> free = check_free(port, mark);
  for (int i = 0; port == 0 && !free && i < kTries; ++i) free = check_free(port, mark);
  if (!free) return tl::unexpected<Error>(std::move(free).error());
  UdpBound bound{{}, *free};
  for (std::size_t i = 0; i < count; ++i) {
    UdpPair pair;
    ARCTIC_TRY(pair.four, bound_socket(Family::kIpv4, bound.port, mark));
    ARCTIC_TRY(pair.six, bound_socket(Family::kIpv6, bound.port, mark));
    pair.takes_trains = take_trains(pair.four) && take_trains(pair.six);
    bound.pairs.push_back(std::move(pair));
  }
  return bound;
}

Status set_mark(const UdpPair& pair, std::uint32_t mark) {
  for (const OwnedFd* const fd : {&pair.four, &pair.six}) {
    if (!fd->valid()) continue;
    if (::setsockopt(fd->get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
      return named_failure("SO_MARK");
    }
  }
  return {};
}

}  // namespace arctic
