// Who a datagram is for: by the number in it that we chose.
//
// One per process, over all its devices: a number names one session, or one handshake that waits
// for its answer. Thread-safe. Workers remember what they found for as long as the session is not
// retired. Numbers are random, so that they say nothing about how many there are.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "runtime/tempest/session.h"

namespace arctic {

class TunnelPeer;

class Indices {
 public:
  struct Found {
    std::shared_ptr<TunnelPeer> peer;
    SessionHandle session;  ///< null: a handshake of this number waits for its answer
  };

  /// A number that nothing else has.
  [[nodiscard]] std::uint32_t add(std::shared_ptr<TunnelPeer> peer);
  void set_session(std::uint32_t index, SessionHandle session);
  void remove(std::uint32_t index);

  /// All null if it is nobody's.
  [[nodiscard]] Found find(std::uint32_t index) const;
  [[nodiscard]] std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, Found> all_;
};

}  // namespace arctic
