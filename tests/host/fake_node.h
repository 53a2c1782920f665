// A FakeHost to apply configurations to, and the words that the engine's tests have in common.
#pragma once

#include <string>

#include "runtime/host/apply.h"
#include "tests/kernel/states.h"
#include "tests/support/fake_host.h"

namespace arctic::test {

/// Compiled for kStateNode; throws if the text has errors.
[[nodiscard]] Target target_from(const std::string& yaml);
[[nodiscard]] const Target& target_named(const std::string& state);

/// A machine with the parent interface of the named states.
[[nodiscard]] FakeHost fresh_host();

/// plan and apply, as the command does.
Result<Outcome> run_apply(Host& host, const Target& target, bool prune = true);

/// Throws with the error unless it succeeds and a second plan has nothing to do.
void must_apply(Host& host, const Target& target);
void must_destroy(Host& host);

/// The lines that one text has and the other has not, each with - or +; empty if they are equal.
[[nodiscard]] std::string difference(const std::string& expected, const std::string& actual);

}  // namespace arctic::test
