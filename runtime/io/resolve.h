// Names to addresses without stopping the loop: the system's resolver in a thread of its own.
#pragma once

#include <string>

#include "runtime/io/event_loop.h"
#include "runtime/io/task.h"
#include "schema/base/address.h"
#include "schema/base/result.h"

namespace arctic {

/// An address as text is given back at once; a name costs a thread while it is looked up. The first
/// answer of getaddrinfo(3) counts. REQUIRES: the loop runs until the answer has come.
[[nodiscard]] Task<Result<Address>> resolve(EventLoop& loop, std::string host);

}  // namespace arctic
