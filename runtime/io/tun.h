// Queues of TUN devices: opened, and told what they may hand over and take whole.
//
// Tempest's workers read and write IP packets with one of them each. Every packet has a
// virtio_net_hdr of 10 bytes before it, in the machine's byte order. Linux: tun/tap documentation,
// linux/if_tun.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/io/owned_fd.h"
#include "schema/base/result.h"

namespace arctic {

inline constexpr std::size_t kTunHeaderBytes = 10;

/// What the kernel does not insist on doing itself.
struct TunOffloads {
  bool tcp = false;  ///< checksums, and segments of TCP: TUN_F_CSUM, TSO4, TSO6, TSO_ECN
  bool udp = false;  ///< datagrams of UDP as well: USO4, USO6 (Linux 6.2)
  friend bool operator==(const TunOffloads&, const TunOffloads&) = default;
};

struct TunQueue {
  OwnedFd fd;  ///< non-blocking
  TunOffloads offloads;
};

enum class TunDevice : std::uint8_t {
  kMade,     ///< by this call if it is not there; it goes with its last queue
  kAttached  ///< it must be there, made with several queues
};

/// Another queue of a device. kRefused if it belongs to somebody else's process, is no TUN device
/// of several queues, or is not there and is to be; kFailure for all else.
[[nodiscard]] Result<TunQueue> open_tun(const std::string& name, TunDevice how);

/// What the kernel says of a device by now.
struct TunFacts {
  std::string name;
  bool up = false;
  std::uint32_t mtu = 0;  ///< 0: not known
};
/// In whatever network namespace the device is by now; nullopt if it is gone.
[[nodiscard]] std::optional<TunFacts> ask_tun(int fd);

}  // namespace arctic
