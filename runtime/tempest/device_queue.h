// A worker's queue of a device, and who is behind the device.
//
// The control thread makes both and hands them to the workers; a table is never changed, another
// takes its place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/io/tun.h"
#include "runtime/tempest/allowed_ips.h"
#include "runtime/tempest/peer.h"

namespace arctic {

struct PeerTable {
  AllowedIps allowed;             ///< values are places in `peers`
  std::vector<PeerHandle> peers;  ///< null where one was removed

  /// Whose destination it is; null if nobody's. REQUIRES: the header of an IP packet.
  [[nodiscard]] const PeerHandle* to(ByteView packet) const { return peer_at(packet, 16, 24); }
  /// Whose source it is.
  [[nodiscard]] const PeerHandle* from(ByteView packet) const { return peer_at(packet, 12, 8); }

 private:
  [[nodiscard]] const PeerHandle* peer_at(ByteView packet, std::size_t at4, std::size_t at6) const {
    const auto value = packet[0] >> 4 == 4 ? allowed.find4(packet.data() + at4)
                                           : allowed.find6(packet.data() + at6);
    return value && peers[*value] ? &peers[*value] : nullptr;
  }
};

struct DeviceQueue {
  std::uint32_t device = 0;
  std::string name;
  std::uint32_t mtu = 0;
  TunQueue tun;
  std::shared_ptr<const PeerTable> table;
};

/// The size that an IP packet says it has; 0 if it is none, or shorter than its header.
[[nodiscard]] inline std::size_t ip_size(ByteView packet) {
  if (packet.size() >= 20 && packet[0] >> 4 == 4) {
    const std::size_t size = std::size_t{packet[2]} << 8 | packet[3];
    return size >= 20 ? size : 0;
  }
  if (packet.size() >= 40 && packet[0] >> 4 == 6) {
    return 40 + (std::size_t{packet[4]} << 8 | packet[5]);
  }
  return 0;
}

}  // namespace arctic
