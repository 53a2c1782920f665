#include "tests/support/wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace arctic::lab {

namespace {

constexpr int kCaptureBuffer = 64 << 20;

/// True when `events` are there before `patience` ends.
bool wait_for(int fd, short events, Milliseconds patience) {
  const auto end = Clock::now() + patience;
  while (true) {
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now()).count();
    pollfd polled{fd, events, 0};
    const int n = poll(&polled, 1, left > 0 ? static_cast<int>(left) : 0);
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  SocketAddress() : size(sizeof storage) {}
  explicit SocketAddress(const Place& place) {
    const auto bytes = place.address.bytes();
    if (place.address.family == Family::kIpv4) {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(place.port);
      std::memcpy(&in.sin_addr, bytes.data(), 4);
      std::memcpy(&storage, &in, sizeof in);
      size = sizeof in;
    } else {
      sockaddr_in6 in{};
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(place.port);
      std::memcpy(&in.sin6_addr, bytes.data(), 16);
      std::memcpy(&storage, &in, sizeof in);
      size = sizeof in;
    }
  }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] Place place() const {
    if (storage.ss_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, &storage, sizeof in);
      return {address_from_bytes(Family::kIpv4, &in.sin_addr), ntohs(in.sin_port)};
    }
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    return {address_from_bytes(Family::kIpv6, &in.sin6_addr), ntohs(in.sin6_port)};
  }
};

Fd new_socket(const Namespace& where, Family family, std::uint8_t protocol) {
  const Inside inside(where);
  Fd fd(socket(family == Family::kIpv4 ? AF_INET : AF_INET6,
               (protocol == kTcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) throw_errno("socket");
  return fd;
}

void set_option(const Fd& fd, int level, int name, int value, const char* what) {
  if (setsockopt(fd.get(), level, name, &value, sizeof value) != 0) throw_errno(what);
}

void set_transparent(const Fd& fd, Family family) {
  const bool v4 = family == Family::kIpv4;
  set_option(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1,
             "IP_TRANSPARENT");
}

bool is_multicast(const Address& address) {
  const auto first = address.bytes()[0];
  return address.family == Family::kIpv4 ? (first & 0xf0) == 0xe0 : first == 0xff;
}

Connection accepted(const Fd& server) {
  SocketAddress remote;
  Connection connection;
  connection.fd =
      Fd(accept4(server.get(), remote.get(), &remote.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.fd.valid()) return connection;
  SocketAddress local;
  getsockname(connection.fd.get(), local.get(), &local.size);
  connection.local = local.place();
  connection.remote = remote.place();
  return connection;
}

}  // namespace

Address address(const std::string& text) {
  const auto parsed = parse_address(text);
  if (!parsed) throw std::runtime_error("not an address: " + text);
  return *parsed;
}

std::string to_string(const Place& place) {
  const std::string text = place.address.to_string();
  return (place.address.family == Family::kIpv4 ? text : "[" + text + "]") + ":" +
         std::to_string(place.port);
}

Capture::Capture(const Namespace& where, const std::string& link) : where_(&where) {
  const Inside inside(where);
  fd_ = Fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_.valid()) throw_errno("packet socket");
  set_option(fd_, SOL_SOCKET, SO_RCVBUFFORCE, kCaptureBuffer, "SO_RCVBUFFORCE");
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_ALL);
  at.sll_ifindex = link.empty() ? 0 : static_cast<int>(if_nametoindex(link.c_str()));
  if (!link.empty() && at.sll_ifindex == 0) throw_errno("capture on " + link);
  if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) throw_errno("capture");
}

std::string Capture::name_of(int index) {
  const auto at = static_cast<std::size_t>(index);
  if (at >= names_.size()) names_.resize(at + 1);
  if (names_[at].empty()) {
    const Inside inside(*where_);
    std::array<char, IF_NAMESIZE> name{};
    if (if_indextoname(static_cast<unsigned>(index), name.data()) == nullptr) {
      return "#" + std::to_string(index);
    }
    names_[at] = name.data();
  }
  return names_[at];
}

std::vector<Seen> Capture::take() {
  std::vector<Seen> all = std::exchange(kept_, {});
  std::array<char, 65536> buffer;
  while (true) {
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const ssize_t n = recvfrom(fd_.get(), buffer.data(), buffer.size(), 0,
                               reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) return all;
    const std::string_view frame(buffer.data(), static_cast<std::size_t>(n));
    const bool ethernet = from.sll_hatype == 1 || from.sll_hatype == 772;  // Ethernet, loopback
    if (ethernet && frame.size() < ETH_HLEN) continue;
    const auto datagram = decode(ethernet ? frame.substr(ETH_HLEN) : frame);
    if (!datagram) continue;
    Seen seen{name_of(from.sll_ifindex), from.sll_pkttype == PACKET_OUTGOING, {}, {}, *datagram};
    if (ethernet) {
      seen.destination_mac = frame.substr(0, 6);
      seen.source_mac = frame.substr(6, 6);
    }
    all.push_back(std::move(seen));
  }
}

std::vector<Seen> Capture::until(const std::function<bool(const Seen&)>& wanted,
                                 Milliseconds patience) {
  const auto end = Clock::now() + patience;
  std::vector<Seen> all;
  while (true) {
    auto news = take();
    for (auto each = news.begin(); each != news.end(); ++each) {
      all.push_back(std::move(*each));
      if (!wanted(all.back())) continue;
      kept_.assign(std::make_move_iterator(each + 1), std::make_move_iterator(news.end()));
      return all;
    }
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left.count() <= 0 || !wait_for(fd_.get(), POLLIN, left)) break;
  }
  std::string text = "the packet waited for did not come; seen:";
  for (const auto& seen : all) text += "\n  " + seen.link + " " + to_string(seen.datagram);
  throw std::runtime_error(text);
}

FrameSender::FrameSender(const Namespace& where, const std::string& link)
    : own_mac_(where.mac(link)) {
  const Inside inside(where);
  fd_ = Fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd_.valid()) throw_errno("packet socket");
  index_ = static_cast<int>(if_nametoindex(link.c_str()));
}

void FrameSender::send(const std::string& to_mac, const Datagram& datagram) {
  const bool v4 = datagram.from.family == Family::kIpv4;
  const std::string frame = to_mac + own_mac_ +
                            (v4 ? std::string("\x08\x00", 2) : std::string("\x86\xdd")) +
                            encode(datagram);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = index_;
  if (sendto(fd_.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
             sizeof to) < 0) {
    throw_errno("send " + to_string(datagram));
  }
}

Tunnel::Tunnel(const Namespace& where, const std::string& device) {
  const Inside inside(where);
  if (if_nametoindex(device.c_str()) == 0) throw_errno("no tunnel device " + device);
  fd_ = Fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd_.valid()) throw_errno("open /dev/net/tun");
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
  if (ioctl(fd_.get(), TUNSETIFF, &request) != 0) throw_errno("attach to " + device);
  where.await_carrier(device);
}

std::optional<Datagram> Tunnel::read(Milliseconds patience) {
  const auto end = Clock::now() + patience;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n > 0) {
      auto datagram = decode({buffer.data(), static_cast<std::size_t>(n)});
      if (datagram && !is_multicast(datagram->to)) return datagram;
      continue;
    }
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left.count() <= 0 || !wait_for(fd_.get(), POLLIN, left)) return std::nullopt;
  }
}

std::optional<Datagram> Tunnel::until(const std::function<bool(const Datagram&)>& wanted,
                                      Milliseconds patience) {
  const auto end = Clock::now() + patience;
  while (true) {
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    auto datagram = read(left.count() > 0 ? left : Milliseconds{0});
    if (!datagram || wanted(*datagram)) return datagram;
  }
}

std::vector<Datagram> Tunnel::take() {
  std::vector<Datagram> all;
  while (auto datagram = read(Milliseconds{0})) all.push_back(std::move(*datagram));
  return all;
}

void Tunnel::write(const Datagram& datagram) {
  const std::string bytes = encode(datagram);
  if (::write(fd_.get(), bytes.data(), bytes.size()) < 0) throw_errno("write to a tunnel");
}

Relay::Relay(Tunnel& a, Tunnel& b) : stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!stop_.valid()) throw_errno("eventfd");
  const int ends[2] = {a.fd(), b.fd()};
  thread_ = std::thread([this, left = ends[0], right = ends[1]] {
    std::array<char, 65536> buffer;
    while (true) {
      std::array<pollfd, 3> polled{pollfd{left, POLLIN, 0}, pollfd{right, POLLIN, 0},
                                   pollfd{stop_.get(), POLLIN, 0}};
      if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
      if (polled[2].revents != 0) return;
      for (const auto& [from, to] : {std::pair{left, right}, std::pair{right, left}}) {
        ssize_t n = 0;
        while ((n = ::read(from, buffer.data(), buffer.size())) > 0) {
          if (::write(to, buffer.data(), static_cast<std::size_t>(n)) == n) ++carried_;
        }
      }
    }
  });
}

Relay::~Relay() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

Listener::Listener(const Namespace& where, std::uint16_t port) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Family family = kFamilies[i];
    const bool v4 = family == Family::kIpv4;
    sockets_[i] = new_socket(where, family, kTcp);
    set_option(sockets_[i], SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    set_transparent(sockets_[i], family);
    bind_socket(sockets_[i], {address(v4 ? "127.0.0.1" : "::1"), port});
    if (listen(sockets_[i].get(), 4096) != 0) throw_errno("listen");
  }
}

const Fd& Listener::socket(Family family) const {
  return sockets_[family == Family::kIpv4 ? 0 : 1];
}

std::optional<Connection> Listener::accept(Milliseconds patience) {
  const auto end = Clock::now() + patience;
  while (true) {
    for (const auto& server : sockets_) {
      Connection connection = accepted(server);
      if (connection.fd.valid()) return connection;
    }
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    std::array<pollfd, 2> polled{pollfd{sockets_[0].get(), POLLIN, 0},
                                 pollfd{sockets_[1].get(), POLLIN, 0}};
    poll(polled.data(), polled.size(), static_cast<int>(left));
  }
}

Fd serve(const Namespace& where, std::uint8_t protocol, const Place& at) {
  Fd fd = new_socket(where, at.address.family, protocol);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  // Whole networks are local to the far side by a route, without an address for each.
  const bool v4 = at.address.family == Family::kIpv4;
  set_option(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1, "FREEBIND");
  bind_socket(fd, at);
  if (protocol == kTcp && listen(fd.get(), 128) != 0) throw_errno("listen");
  return fd;
}

std::optional<Connection> accept_from(const Fd& server, Milliseconds patience) {
  if (!wait_for(server.get(), POLLIN, patience)) return std::nullopt;
  Connection connection = accepted(server);
  if (!connection.fd.valid()) return std::nullopt;
  return connection;
}

namespace {

Attempt dial_with(Fd fd, const Place& to, Milliseconds patience) {
  Attempt attempt;
  const auto start = Clock::now();
  SocketAddress at(to);
  int error = ::connect(fd.get(), at.get(), at.size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    error = ETIMEDOUT;
    if (wait_for(fd.get(), POLLOUT, patience)) {
      socklen_t size = sizeof error;
      getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  attempt.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  attempt.error = error;
  if (error == 0) attempt.fd = std::move(fd);
  return attempt;
}

}  // namespace

Attempt dial(const Namespace& where, const std::optional<Place>& from, const Place& to,
             Milliseconds patience) {
  Fd fd = new_socket(where, to.address.family, kTcp);
  if (from) bind_socket(fd, *from);
  return dial_with(std::move(fd), to, patience);
}

Attempt dial_as(const Namespace& where, const Place& client, const Place& to, std::uint32_t mark) {
  Fd fd = new_socket(where, to.address.family, kTcp);
  set_transparent(fd, to.address.family);
  set_option(fd, SOL_SOCKET, SO_MARK, static_cast<int>(mark), "SO_MARK");
  bind_socket(fd, client);
  return dial_with(std::move(fd), to, kPatience);
}

Fd raw_socket(const Namespace& where, Family family, std::uint8_t protocol) {
  const Inside inside(where);
  Fd fd(socket(family == Family::kIpv4 ? AF_INET : AF_INET6,
               SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd.valid()) throw_errno("raw socket");
  return fd;
}

void bind_socket(const Fd& fd, const Place& place) {
  SocketAddress at(place);
  if (bind(fd.get(), at.get(), at.size) != 0) throw_errno("bind " + to_string(place));
}

int send_message(const Fd& fd, const Place& to, const std::string& message) {
  SocketAddress at(to);
  return sendto(fd.get(), message.data(), message.size(), 0, at.get(), at.size) < 0 ? errno : 0;
}

std::string read_message(const Fd& fd, Milliseconds patience) {
  std::array<char, 65536> buffer;
  if (!wait_for(fd.get(), POLLIN, patience)) return {};
  const ssize_t n = recv(fd.get(), buffer.data(), buffer.size(), 0);
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
}

int send_udp(const Namespace& where, const std::optional<Place>& from, const Place& to,
             const std::string& payload) {
  const Fd fd = new_socket(where, to.address.family, kUdp);
  if (from) bind_socket(fd, *from);
  return send_message(fd, to, payload);
}

void write_all(const Fd& fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = send(fd.get(), text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno != EAGAIN || !wait_for(fd.get(), POLLOUT, kPatience)) {
      throw_errno("write");
    }
  }
}

std::string read_some(const Fd& fd, std::size_t size, Milliseconds patience) {
  const auto end = Clock::now() + patience;
  std::string text;
  std::array<char, 65536> buffer;
  while (text.size() < size) {
    const ssize_t n = recv(fd.get(), buffer.data(), std::min(buffer.size(), size - text.size()), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (n > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(n));
      continue;
    }
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left.count() <= 0 || !wait_for(fd.get(), POLLIN, left)) break;
  }
  return text;
}

}  // namespace arctic::lab
