// The control thread as workers see it: what they ask it, and what they leave to it.
//
// The engine implements it. Called by every worker; thread-safe, and never slow.
#pragma once

#include "runtime/tempest/device_queue.h"
#include "runtime/tempest/drops.h"

namespace arctic {

class ControlSide {
 public:
  virtual ~ControlSide() = default;

  /// The peer is to be tended.
  virtual void tend(const PeerHandle& peer) = 0;
  /// A handshake message that the gate let in. False if too many wait.
  [[nodiscard]] virtual bool take_handshake(ByteView message, const PeerEndpoint& from) = 0;
  /// The device was deleted.
  virtual void gone(std::uint32_t device) = 0;

  /// Too many handshakes wait, or did a moment ago.
  [[nodiscard]] virtual bool is_loaded() const = 0;
  /// One of our peers is at that address.
  [[nodiscard]] virtual bool knows(const Address& address) const = 0;
};

}  // namespace arctic
