// Moves one connection's bytes between its plain socket and its tunnel link, both ways.
//
// The same at entry and exit, but for who may say what: the exit says OPENED before anything else,
// the entry waits for it in the stream. Half-close, reset and backpressure pass through. Nothing is
// buffered while nothing moves.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/pegasus/carried.h"
#include "runtime/pegasus/plain.h"

namespace arctic {

struct RelayParts {
  LinkEnd end;
  Watched& plain;
  TunnelLink& link;
  RelayBuffers& buffers;
  Carried& carried;
  const ServiceLimits* limits = nullptr;  ///< at the entry
  bool speaks_first = false;              ///< `plain` was dialled so
};

struct RelayResult {
  bool reusable = false;     ///< FIN went both ways: the link may carry another
  bool link_dead = false;    ///< the other end is to learn of it by a reset of the link
  bool peer_silent = false;  ///< it is dead because nothing comes from its peer
  /// FIN came before ours went: until it has that, the other end may still say RESET.
  bool ended_second = false;
  const char* broken = nullptr;            ///< what the other end did wrong, if it did
  std::optional<RefusedFrame> refused;     ///< at the entry
  std::optional<Watched::Time> opened_at;  ///< at the entry: when the exit said OPENED
};

/// Runs until both directions have ended. `plain` is to be closed then, with a reset unless both
/// ended well; so is a link that is not reusable. At the exit OPENED goes with the first bytes, or
/// soon after. REQUIRES: `plain` is set to be closed with a reset.
[[nodiscard]] Task<RelayResult> relay(RelayParts parts);

}  // namespace arctic
