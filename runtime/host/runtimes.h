// The two runtimes as the reconciler sees them: are they there, and their part in the two phases.
//
// Called by plan and apply. A runtime that is not running is no error: it reads its file when it
// starts.
#pragma once

#include <string>
#include <vector>

#include "runtime/host/apply.h"

namespace arctic {

/// What the user should know before an apply: runtimes that do not answer, a missing node key.
[[nodiscard]] Result<std::vector<std::string>> runtime_notices(Host& host, const Target& target);

/// The steps of the control socket's handshake, each at its place in apply. Today a runtime takes
/// its file when it starts, so there is nothing to say to it.
[[nodiscard]] Status prepare_runtimes(Host& host, const Plan& plan);
[[nodiscard]] Status commit_runtimes(Host& host, const Plan& plan);
[[nodiscard]] Status retire_runtimes(Host& host, const Plan& plan);
[[nodiscard]] Status abort_runtimes(Host& host, const Plan& plan);

}  // namespace arctic
