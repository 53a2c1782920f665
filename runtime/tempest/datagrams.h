// Datagrams as the kernel takes and gives them: trains of equal ones in one message, with the
// addresses of both ends.
//
// What workers and the control thread send and receive passes here. Linux: udp(7), UDP_SEGMENT and
// UDP_GRO; ip(7), IP_PKTINFO; ipv6(7), IPV6_PKTINFO.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/io/udp_sockets.h"
#include "runtime/tempest/drops.h"
#include "runtime/tempest/peer.h"

namespace arctic {

/// The most that one message may hold.
inline constexpr std::size_t kMostTrainBytes = 65507 - 40;
inline constexpr std::size_t kMostTrainLength = 64;

/// Datagrams one behind the other: all of `size` bytes but the last, which may be shorter.
struct Train {
  std::uint8_t* bytes = nullptr;
  std::size_t all = 0;
  std::size_t size = 0;

  [[nodiscard]] std::size_t length() const { return (all + size - 1) / size; }
};

/// What was found out about a kernel; of one thread.
struct TrainSupport {
  bool sends = true;  ///< UDP_SEGMENT works
};

struct SendCounts {
  std::uint64_t dropped = 0;       ///< datagrams that the network did not take
  bool local_address_bad = false;  ///< the address to send from is not ours (any more)
};
/// Sends them in order. What cannot go as a train goes datagram by datagram.
[[nodiscard]] SendCounts send_trains(const UdpPair& sockets, const PeerEndpoint& to,
                                     const std::vector<Train>& trains, TrainSupport& support);
/// One datagram.
[[nodiscard]] SendCounts send_datagram(const UdpPair& sockets, const PeerEndpoint& to,
                                       ByteView bytes);

/// Room for messages of one receive call.
class ReceiveBatch {
 public:
  static constexpr std::size_t kMessages = 8;
  static constexpr std::size_t kMessageBytes = 65536;

  ReceiveBatch();
  /// How many came; 0 if there is nothing.
  [[nodiscard]] std::size_t receive(int fd);

  struct Message {
    ByteSpan bytes;
    std::size_t size = 0;  ///< of each datagram in it, but the last
    PeerEndpoint from;
  };
  /// Of those that came. Absent: cut off, or from nowhere.
  [[nodiscard]] std::optional<Message> message(std::size_t index);

 private:
  static constexpr std::size_t kControlBytes = 128;

  std::vector<std::uint8_t> bytes_;
  std::array<sockaddr_storage, kMessages> from_;
  std::array<std::array<std::uint8_t, kControlBytes>, kMessages> control_;
  std::array<iovec, kMessages> places_;
  std::array<mmsghdr, kMessages> headers_;
};

}  // namespace arctic
