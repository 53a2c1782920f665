// The way out: packets are read from a device, sealed, and sent to their peers.
//
// One per worker; nothing of a packet is handed to another thread, unless its peer has no session
// yet. Packets are read to where they are sealed and leave from there; those of one size and peer
// leave as one train. Never waits for more of them.
#pragma once

#include <memory>
#include <vector>

#include "runtime/tempest/control_side.h"
#include "runtime/tempest/datagrams.h"
#include "runtime/tempest/device_queue.h"
#include "runtime/tempest/segment.h"
#include "runtime/tempest/unreachable.h"

namespace arctic {

class PacketOut {
 public:
  using Time = TunnelPeer::Time;

  PacketOut(std::size_t slot, DropCounter& drops, ControlSide& control);

  /// Reads what a device has by now, up to a bound; false if the device is gone.
  [[nodiscard]] bool drain(DeviceQueue& queue, const UdpPair& sockets, Time now);

  /// The same where there is no port to send from: what the device has is thrown away.
  [[nodiscard]] bool discard(const DeviceQueue& queue);
  /// Tells the sender of a packet that it cannot be delivered, if that may be said.
  void return_unreachable(const DeviceQueue& queue, ByteView packet, Time now);

  [[nodiscard]] const TrainSupport& support() const { return support_; }

 private:
  struct Entry {
    const PeerHandle* peer = nullptr;  ///< in the queue's table
    std::size_t at = 0;                ///< of the datagram in arena_
    std::size_t bytes = 0;             ///< of it
  };

  void take(DeviceQueue& queue, const UdpPair& sockets, std::size_t packet_bytes, Time now);
  /// Cuts a super-packet and sends what comes of it.
  void cut(const SuperPacket& super, const DeviceQueue& queue, const PeerHandle& peer,
           const UdpPair& sockets, Time now);
  void add(const PeerHandle& peer, std::size_t packet_bytes, std::size_t mtu);
  void flush(const DeviceQueue& queue, const UdpPair& sockets, Time now);
  /// A run of entries of one peer.
  void send(const DeviceQueue& queue, std::size_t first, std::size_t end, const UdpPair& sockets,
            Time now);
  void stage(const DeviceQueue& queue, std::size_t first, std::size_t end, Time now);
  void gather(std::size_t first, std::size_t end);

  const std::size_t slot_;
  DropCounter& drops_;
  ControlSide& control_;
  TrainSupport support_;
  ErrorRate errors_;
  std::vector<std::uint8_t> arena_;  ///< datagrams, one behind the other, and room for a read
  std::size_t used_ = 0;
  std::vector<std::uint8_t> super_;  ///< a super-packet while it is cut
  std::vector<Entry> entries_;
  std::vector<Train> trains_;
};

}  // namespace arctic
