// The way in: datagrams are received, opened, and their packets written to a device.
//
// One per worker. What is not data goes through the gate to the control thread; what is, is opened
// in place, and the packets of a flow that came together are written together. Every byte is
// hostile until its tag has proved right, and its source address until its peer has proved to have
// it.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/tempest/coalesce.h"
#include "runtime/tempest/control_side.h"
#include "runtime/tempest/datagrams.h"
#include "runtime/tempest/device_queue.h"
#include "runtime/tempest/handshake_gate.h"

namespace arctic {

class PacketIn {
 public:
  using Time = TunnelPeer::Time;

  /// A device of this worker; null if it has none of that number.
  using FindDevice = std::function<DeviceQueue*(std::uint32_t device)>;
  PacketIn(std::size_t slot, const PublicKey& own, std::shared_ptr<Indices> indices,
           FindDevice find_device, DropCounter& drops, ControlSide& control);

  /// One receive call's worth.
  void receive(int fd, const UdpPair& sockets, Time now);

  /// Lets go of sessions that are retired.
  void forget_retired();
  /// A device goes, or is another.
  void forget_device();

 private:
  static constexpr std::size_t kRemembered = 64;
  static constexpr std::size_t kMostInRun = 64;

  void take_message(const ReceiveBatch::Message& message, const UdpPair& sockets, Time now);
  void take_handshake(ByteView datagram, const PeerEndpoint& from, const UdpPair& sockets,
                      Time now);
  void take_data(ByteSpan datagram, const PeerEndpoint& from, Time now);
  [[nodiscard]] const Indices::Found& find(std::uint32_t index);
  /// What was opened by one session is judged and delivered.
  void end_run(Time now);
  void deliver(ByteSpan packet);
  void write_out();

  const std::size_t slot_;
  const std::shared_ptr<Indices> indices_;
  const FindDevice find_device_;
  DropCounter& drops_;
  ControlSide& control_;
  HandshakeGate gate_;
  ReceiveBatch batch_;

  struct Remembered {
    std::uint32_t index = 0;
    Indices::Found found;
  };
  std::array<Remembered, kRemembered> remembered_;

  /// Datagrams of one session and sender, one after the other.
  struct Run {
    Indices::Found found;
    PeerEndpoint from;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    std::array<std::uint64_t, kMostInRun> counters;
    std::array<ByteSpan, kMostInRun> packets;
  };
  Run run_;

  DeviceQueue* device_ = nullptr;  ///< what the coalescer is for
  std::unique_ptr<Coalescer> coalescer_;
};

}  // namespace arctic
