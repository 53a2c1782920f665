// The exit: tunnel connections that peers make, and the connections that they open over them.
#pragma once

#include "runtime/pegasus/worker.h"

namespace arctic {

/// Accepts on a listener until it is cancelled.
[[nodiscard]] Task<void> accept_peers(Worker& worker, std::shared_ptr<Watched> listener);

}  // namespace arctic
