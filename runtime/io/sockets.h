// TCP sockets as the runtimes need them: made, listened on, dialled, and asked for their ends.
//
// Thin over the kernel's calls; every descriptor is close-on-exec and non-blocking. Errors name the
// call. Linux: ip(7), ipv6(7), tcp(7).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/io/event_loop.h"
#include "runtime/io/task.h"
#include "schema/base/address.h"
#include "schema/base/bytes.h"
#include "schema/base/result.h"

namespace arctic {

struct SocketAddress {
  Address address;
  std::uint16_t port = 0;

  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
  [[nodiscard]] std::string to_string() const;  ///< 192.0.2.1:80, [2001:db8::1]:80
};

/// As the kernel takes it.
struct RawAddress {
  explicit RawAddress(const SocketAddress& address);
  /// Of what a list of the system's points to; its family says how long it is.
  explicit RawAddress(const sockaddr& address);
  RawAddress() = default;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  /// nullopt for a family that is neither IPv4 nor IPv6. An IPv4 address in IPv6 form is IPv4.
  [[nodiscard]] std::optional<SocketAddress> parse() const;

  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
};

[[nodiscard]] std::optional<SocketAddress> local_address(int fd);
[[nodiscard]] std::optional<SocketAddress> peer_address(int fd);

struct ListenOptions {
  bool transparent = false;  ///< IP_TRANSPARENT: takes what TPROXY hands over
  bool shared = true;        ///< SO_REUSEPORT: one listener per worker
};
/// A listening TCP socket. IPv6 ones take IPv6 alone. kRefused if the port is taken, kFailure else.
[[nodiscard]] Result<int> listen_tcp(const SocketAddress& where, const ListenOptions& options);

struct DialOptions {
  std::uint32_t mark = 0;               ///< SO_MARK; 0 for none
  std::optional<SocketAddress> source;  ///< IP_TRANSPARENT: dials from somebody else's address
  bool unpaced = false;                 ///< see begin_unpaced()
  /// There are bytes to send at once: the handshake's last ACK goes along with them.
  bool speaks_first = false;
};
/// A socket whose connect has begun; wait for it to be writable, then ask connect_error(). Returns
/// a negative errno if it failed at once.
[[nodiscard]] int begin_connect(const SocketAddress& to, const DialOptions& options);
/// 0 or an errno value.
[[nodiscard]] int connect_error(int fd);
/// After the first bytes of one that speaks first: what comes back is acknowledged at once, as on
/// any new connection, for whoever writes little and waits for that (Nagle).
void acknowledge_at_once(int fd);

/// A descriptor of the next connection, negative errno if there is none. Its options are inherited;
/// `from` becomes the other end.
[[nodiscard]] int accept_tcp(int fd, RawAddress& from);

using TakeAccepted = std::function<void(std::unique_ptr<Watched>, const SocketAddress& from)>;
/// Hands every connection of a listener to `take`, until the listener is cancelled. Waits a moment
/// when there are no descriptors left: those that are open end sooner or later.
[[nodiscard]] Task<void> accept_each(Watched& listener, TakeAccepted take);

/// Waits for a connect that has begun: 0, or an errno value.
[[nodiscard]] Task<int> await_connect(Watched& socket, Watched::Time deadline);

/// How reading so and so many bytes went.
enum class Got : std::uint8_t {
  kAll,
  kEnd,     ///< the other end closed in order before the last of them
  kFailed,  ///< a reset or another error
  kLate     ///< the deadline came first
};
[[nodiscard]] Task<Got> read_exactly(Watched& socket, ByteSpan out, Watched::Time deadline);

/// For the first bytes on a connection, which the kernel has room for: all of them, or false.
[[nodiscard]] bool send_whole(Watched& socket, ByteView bytes);

void set_no_delay(int fd);
/// Keepalive: after `idle` without a byte every 15 s, eight times.
void set_keepalive(int fd, std::chrono::seconds idle);
/// How long sent data may stay unacknowledged before the connection ends; zero: as long as the
/// kernel tries. It counts also while the other end has no room, so it is none for data.
void set_unacknowledged(int fd, std::chrono::milliseconds longest);
/// What the kernel knows of a connection; zeros if it says nothing. tcp(7), TCP_INFO.
struct TcpState {
  std::uint32_t rtt_us = 0;
  std::uint32_t retransmits = 0;
  bool unanswered = false;  ///< something was sent, or is to be, and is not acknowledged
  std::chrono::milliseconds since_answer{};  ///< since the last acknowledgement
  unsigned tries = 0;  ///< how often something was sent again since then, or room asked for
};
[[nodiscard]] TcpState tcp_state(int fd);
// ---- Congestion control. BBR sends in bursts at a pace, with a timer for each: on a long path
// that is what fills it, on one of less than a millisecond it is most of what sending costs, and a
// window that was halved is back within moments. What the kernel has once paced it paces for good,
// so BBR comes later or not at all. What the system's default is, is asked once. ----

/// To be called before the connection is made, or on a listener: Reno, if it were BBR by default.
void begin_unpaced(int fd);
/// On a tunnel connection that was made: BBR if its path is long and the kernel offers it.
void pace_if_long(int fd);
/// On somebody else's, once it carries much: BBR if its path is long and BBR is the default.
void pace_as_default(int fd);

/// The next close sends a reset, or not. Accepted sockets inherit it.
void reset_on_close(int fd);
void end_on_close(int fd);

}  // namespace arctic
