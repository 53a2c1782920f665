// The entry: connections that TPROXY hands over, each carried to the service's peer.
#pragma once

#include "runtime/pegasus/worker.h"

namespace arctic {

/// Accepts on a listener until it is cancelled. `port` is the service's, to find it again after a
/// reload.
[[nodiscard]] Task<void> accept_clients(Worker& worker, std::shared_ptr<Watched> listener,
                                        std::uint16_t port);

}  // namespace arctic
