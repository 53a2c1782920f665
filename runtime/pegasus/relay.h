// Moves one connection's bytes between its plain socket and its tunnel link, both ways.
//
// The same at entry and exit, but for who may say what: the exit begins with OPENED, the entry
// waits for it in the stream. Half-close, reset and backpressure pass through. Nothing is buffered
// while nothing moves.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/pegasus/link.h"

namespace arctic {

/// Counted where bytes pass; shared by the connections of a service and a worker.
struct RelayCounts {
  std::uint64_t to_tunnel = 0;
  std::uint64_t from_tunnel = 0;
};

struct RelayResult {
  bool reusable = false;                ///< FIN went both ways: the link may carry another
  std::optional<RefusedFrame> refused;  ///< at the entry
  const char* broken = nullptr;         ///< what the other end did wrong, if it did
};

/// Runs until both directions have ended. `plain` is closed with a reset unless both ended well;
/// a link that is not reusable is to be closed. REQUIRES: at the exit OPENED was sent.
[[nodiscard]] Task<RelayResult> relay(LinkEnd end, Watched& plain, TunnelLink& link,
                                      RelayBuffers& buffers, RelayCounts& counts);

}  // namespace arctic
