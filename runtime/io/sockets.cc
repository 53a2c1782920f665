#include "runtime/io/sockets.h"

#include <linux/tcp.h>  // glibc's tcp_info ends before min_rtt
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "runtime/io/owned_fd.h"

namespace arctic {
namespace {

// From <linux/in6.h> and <linux/in.h>; glibc's headers do not go together with these.
#ifndef IPV6_TRANSPARENT
constexpr int IPV6_TRANSPARENT = 75;
#endif

bool set_int(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool set_transparent(int fd, Family family) {
  return family == Family::kIpv4 ? set_int(fd, SOL_IP, IP_TRANSPARENT, 1)
                                 : set_int(fd, SOL_IPV6, IPV6_TRANSPARENT, 1);
}

int make_socket(Family family) {
  return ::socket(family == Family::kIpv4 ? AF_INET : AF_INET6,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int close_with(int fd, int error) {
  ::close(fd);
  return -error;
}

constexpr std::string_view kBbr = "bbr";

bool bbr_is_default() {
  static const bool kIs = [] {
    const OwnedFd fd(make_socket(Family::kIpv4));
    std::array<char, 16> name{};  // TCP_CA_NAME_MAX
    socklen_t size = name.size();
    return ::getsockopt(fd.get(), IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) == 0 &&
           name.data() == kBbr;
  }();
  return kIs;
}

void set_congestion_control(int fd, std::string_view name) {
  ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size()));
}

/// Whether the quickest answer so far came within a millisecond.
bool is_short(int fd) {
  constexpr std::uint32_t kShortUs = 1000;
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_min_rtt < kShortUs;
}

}  // namespace

std::string SocketAddress::to_string() const {
  const std::string host = address.to_string();
  return (address.family == Family::kIpv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

RawAddress::RawAddress(const SocketAddress& address) {
  const auto bytes = address.address.bytes();
  if (address.address.family == Family::kIpv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, bytes.data(), sizeof in.sin_addr);
    std::memcpy(&storage, &in, sizeof in);
    size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    std::memcpy(&in.sin6_addr, bytes.data(), sizeof in.sin6_addr);
    std::memcpy(&storage, &in, sizeof in);
    size = sizeof in;
  }
}

RawAddress::RawAddress(const sockaddr& address) {
  size = address.sa_family == AF_INET    ? sizeof(sockaddr_in)
         : address.sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                         : sizeof(sa_family_t);
  std::memcpy(&storage, &address, size);
}

std::optional<SocketAddress> RawAddress::parse() const {
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    return SocketAddress{address_from_bytes(Family::kIpv4, &in.sin_addr), ntohs(in.sin_port)};
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, &storage, sizeof in);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in.sin6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
    return SocketAddress{address_from_bytes(Family::kIpv4, bytes + 12), ntohs(in.sin6_port)};
  }
  return SocketAddress{address_from_bytes(Family::kIpv6, bytes), ntohs(in.sin6_port)};
}

std::optional<SocketAddress> local_address(int fd) {
  RawAddress raw;
  if (::getsockname(fd, raw.get(), &raw.size) != 0) return std::nullopt;
  return raw.parse();
}

std::optional<SocketAddress> peer_address(int fd) {
  RawAddress raw;
  if (::getpeername(fd, raw.get(), &raw.size) != 0) return std::nullopt;
  return raw.parse();
}

Result<int> listen_tcp(const SocketAddress& where, const ListenOptions& options) {
  const int fd = make_socket(where.address.family);
  const auto failed = [&](const char* call) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    const auto code = error == EADDRINUSE ? ErrorCode::kRefused : ErrorCode::kFailure;
    return fail(code, where.to_string(), std::string(call) + ": " + errno_text(error),
                error == EADDRINUSE
                    ? "another program, perhaps another pegasus, listens there; stop it, or "
                      "choose another port"
                    : "");
  };
  if (fd < 0) return failed("socket");
  if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return failed("SO_REUSEADDR");
  if (options.shared && !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return failed("SO_REUSEPORT");
  if (where.address.family == Family::kIpv6 && !set_int(fd, SOL_IPV6, IPV6_V6ONLY, 1)) {
    return failed("IPV6_V6ONLY");
  }
  if (options.transparent && !set_transparent(fd, where.address.family)) {
    return failed("IP_TRANSPARENT");
  }
  const RawAddress raw(where);
  if (::bind(fd, raw.get(), raw.size) != 0) return failed("bind");
  if (::listen(fd, SOMAXCONN) != 0) return failed("listen");
  return fd;
}

int begin_connect(const SocketAddress& to, const DialOptions& options) {
  const int fd = make_socket(to.address.family);
  if (fd < 0) return -errno;
  if (options.mark != 0 &&
      ::setsockopt(fd, SOL_SOCKET, SO_MARK, &options.mark, sizeof options.mark) != 0) {
    return close_with(fd, errno);
  }
  if (options.unpaced) begin_unpaced(fd);
  if (options.source) {
    if (!set_transparent(fd, to.address.family)) return close_with(fd, errno);
    if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return close_with(fd, errno);
    const RawAddress from(*options.source);
    if (::bind(fd, from.get(), from.size) != 0) return close_with(fd, errno);
  }
  if (options.speaks_first) (void)set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
  const RawAddress raw(to);
  if (::connect(fd, raw.get(), raw.size) != 0 && errno != EINPROGRESS) {
    return close_with(fd, errno);
  }
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void acknowledge_at_once(int fd) { (void)set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 1); }

int accept_tcp(int fd, RawAddress& from) {
  from.size = sizeof from.storage;
  const int accepted = ::accept4(fd, from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return accepted >= 0 ? accepted : -errno;
}

Task<void> accept_each(Watched& listener, TakeAccepted take) {
  constexpr std::chrono::milliseconds kMoment{50};
  for (;;) {
    const Wake wake = co_await listener.readable();
    if (wake != Wake::kReady) co_return;
    RawAddress from;
    const int fd = accept_tcp(listener.fd(), from);
    if (fd >= 0) {
      auto socket = Watched::make(listener.loop(), fd, Watched::Mode::kNonBlocking);
      if (socket) take(std::move(*socket), from.parse().value_or(SocketAddress{}));
      continue;
    }
    if (fd == -EAGAIN) listener.drained();
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
      co_await listener.loop().sleep_until(listener.loop().now() + kMoment);
    }
  }
}

Task<int> await_connect(Watched& socket, Watched::Time deadline) {
  socket.full();
  socket.drained();
  const Wake wake = co_await socket.writable(deadline);
  if (wake == Wake::kTimeout) co_return ETIMEDOUT;
  if (wake != Wake::kReady) co_return ECANCELED;
  co_return socket.hung_up() ? connect_error(socket.fd()) : 0;
}

Task<Got> read_exactly(Watched& socket, ByteSpan out, Watched::Time deadline) {
  while (!out.empty()) {
    const Wake wake = co_await socket.readable(deadline);
    if (wake == Wake::kTimeout) co_return Got::kLate;
    if (wake != Wake::kReady) co_return Got::kFailed;
    const ssize_t got = ::read(socket.fd(), out.data(), out.size());
    if (got == 0) co_return Got::kEnd;
    if (got < 0) {
      if (errno == EAGAIN) socket.drained();
      if (errno == EAGAIN || errno == EINTR) continue;
      co_return Got::kFailed;
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
  co_return Got::kAll;
}

bool send_whole(Watched& socket, ByteView bytes) {
  return ::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

void set_no_delay(int fd) { set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

void set_keepalive(int fd, std::chrono::seconds idle) {
  constexpr int kEverySeconds = 15;
  constexpr int kTimes = 8;
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(idle.count()));
  set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, kEverySeconds);
  set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, kTimes);
}

void set_unacknowledged(int fd, std::chrono::milliseconds longest) {
  set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(longest.count()));
}

TcpState tcp_state(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  // Bytes not acknowledged, those included that could not even be sent (SIOCOUTQ of tcp(7)).
  int out = 0;
  const bool known = ::ioctl(fd, TIOCOUTQ, &out) == 0;
  return {info.tcpi_rtt, info.tcpi_total_retrans, known && out > 0,
          std::chrono::milliseconds(info.tcpi_last_ack_recv),
          std::max<unsigned>(info.tcpi_retransmits, info.tcpi_probes)};
}

void begin_unpaced(int fd) {
  if (bbr_is_default()) set_congestion_control(fd, "reno");
}

void pace_if_long(int fd) {
  if (!is_short(fd)) set_congestion_control(fd, kBbr);
}

void pace_as_default(int fd) {
  if (bbr_is_default()) pace_if_long(fd);
}

void reset_on_close(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void end_on_close(int fd) {
  const linger off{0, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

}  // namespace arctic
