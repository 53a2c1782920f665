// What hangs on the lab's cables: captures, hand-made frames, and stand-ins for the two runtimes.
//
// Tunnel plays Tempest (it reads what the kernel routes into a tp- device), Listener plays Pegasus
// (it takes the connections that TPROXY hands over and says where they were going). Nothing here
// has a thread but Relay, and every wait has an end. Called by the lab tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/lab.h"
#include "tests/support/packet.h"

namespace arctic::lab {

/// A packet seen by a Capture.
struct Seen {
  std::string link;
  bool outgoing = false;
  std::string source_mac;       ///< 6 bytes; empty on a device without hardware addresses
  std::string destination_mac;  ///< 6 bytes, likewise
  Datagram datagram;
};

/// All IP packets on one interface of a namespace, or on all of them, since its making.
class Capture {
 public:
  explicit Capture(const Namespace& where, const std::string& link = {});
  /// What came since the last call; does not wait.
  std::vector<Seen> take();
  /// Waits until a packet fulfils `wanted`; returns everything seen meanwhile, that packet last,
  /// and keeps what came after it for the next call. Throws when patience ends.
  std::vector<Seen> until(const std::function<bool(const Seen&)>& wanted,
                          Milliseconds patience = kPatience);

 private:
  Fd fd_;
  std::vector<Seen> kept_;
  std::vector<std::string> names_;  ///< by interface index
  const Namespace* where_;
  std::string name_of(int index);
};

/// Sends packets as Ethernet frames out of an interface, whatever its addresses and routes.
class FrameSender {
 public:
  FrameSender(const Namespace& where, const std::string& link);
  /// `to_mac` as Namespace::mac gives it.
  void send(const std::string& to_mac, const Datagram& datagram);

 private:
  Fd fd_;
  int index_ = 0;
  std::string own_mac_;
};

/// The far side of a tun device of ours: what the kernel routes into it can be read, what is
/// written comes out of it. Multicast is passed over: the kernel announces its own groups on every
/// device, whenever it likes.
class Tunnel {
 public:
  Tunnel(const Namespace& where, const std::string& device);
  /// nullopt when patience ends first.
  std::optional<Datagram> read(Milliseconds patience = kPatience);
  /// The next one that fulfils `wanted`; those before it are dropped. nullopt as with read.
  std::optional<Datagram> until(const std::function<bool(const Datagram&)>& wanted,
                                Milliseconds patience = kPatience);
  /// What is there already; does not wait.
  std::vector<Datagram> take();
  void write(const Datagram& datagram);
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

/// Carries packets between two tunnels, both ways, until destroyed.
class Relay {
 public:
  Relay(Tunnel& a, Tunnel& b);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();
  [[nodiscard]] std::size_t carried() const { return carried_; }

 private:
  std::atomic<std::size_t> carried_{0};
  Fd stop_;
  std::thread thread_;
};

/// An address and port.
struct Place {
  Address address;
  std::uint16_t port = 0;
  friend bool operator==(const Place&, const Place&) = default;
};
[[nodiscard]] std::string to_string(const Place& place);

/// A connection, with both of its ends as the socket names them.
struct Connection {
  Fd fd;
  Place local;
  Place remote;
};

/// Listens on 127.0.0.1 and ::1 with IP_TRANSPARENT, as Pegasus does at a service's port.
class Listener {
 public:
  Listener(const Namespace& where, std::uint16_t port);
  /// nullopt when patience ends first. `local` is where the client was going.
  std::optional<Connection> accept(Milliseconds patience = kPatience);
  [[nodiscard]] const Fd& socket(Family family) const;

 private:
  Fd sockets_[2];
};

/// An ordinary TCP or UDP server at an address; port 0 takes a free one.
[[nodiscard]] Fd serve(const Namespace& where, std::uint8_t protocol, const Place& at);
[[nodiscard]] std::optional<Connection> accept_from(const Fd& server,
                                                    Milliseconds patience = kPatience);

/// How an attempt to connect went.
struct Attempt {
  Fd fd;          ///< valid if it succeeded
  int error = 0;  ///< errno; ETIMEDOUT when patience ended first
  std::chrono::microseconds took{0};
  [[nodiscard]] bool connected() const { return fd.valid(); }
};
/// `from` may have the unspecified address (any) or port 0 (any).
[[nodiscard]] Attempt dial(const Namespace& where, const std::optional<Place>& from,
                           const Place& to, Milliseconds patience = kPatience);
/// As Pegasus dials in Transparent Mode: from the client's own address, which is not the node's,
/// and with the mark of its own sockets.
[[nodiscard]] Attempt dial_as(const Namespace& where, const Place& client, const Place& to,
                              std::uint32_t mark);
/// An ICMP socket, or with IPPROTO_RAW one whose messages bring their own IP header.
[[nodiscard]] Fd raw_socket(const Namespace& where, Family family, std::uint8_t protocol);
void bind_socket(const Fd& fd, const Place& place);
/// 0 or errno.
int send_message(const Fd& fd, const Place& to, const std::string& message);
/// The next message; empty when patience ends or the socket has an error.
[[nodiscard]] std::string read_message(const Fd& fd, Milliseconds patience = kPatience);
/// One UDP datagram from an ordinary socket. 0 or errno.
int send_udp(const Namespace& where, const std::optional<Place>& from, const Place& to,
             const std::string& payload);

/// Writes, and reads what comes until patience ends or `size` bytes are there.
void write_all(const Fd& fd, const std::string& text);
[[nodiscard]] std::string read_some(const Fd& fd, std::size_t size,
                                    Milliseconds patience = kPatience);

/// Throws if `text` is no address.
[[nodiscard]] Address address(const std::string& text);

}  // namespace arctic::lab
