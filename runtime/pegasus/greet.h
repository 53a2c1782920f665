// The first messages on a tunnel connection that somebody dialled, until it is known who that is.
//
// The exit's door: INIT or HELLO, our answer, and the first record, which only the owner of the
// keys can make. Until then nothing is done for the connection but what Admission lets it cost, and
// whatever is wrong closes it without a byte.
#pragma once

#include "runtime/pegasus/worker.h"

namespace arctic {

/// A link whose other end is a peer of the configuration, for certain.
struct Greeted {
  std::unique_ptr<TunnelLink> link;
  PublicKey peer;
  Record first;  ///< PING or OPEN, in the worker's buffer until the next wait
};
/// nullopt if it has shown nothing, or something wrong: then the log says what.
[[nodiscard]] Task<std::optional<Greeted>> greet(Worker& worker, std::unique_ptr<Watched> socket,
                                                 Address from);

}  // namespace arctic
