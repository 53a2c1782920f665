// Two nodes in memory: their keys, a session between them, and record layers over it.
#pragma once

#include "runtime/pegasus/session.h"

namespace arctic::test {

struct Nodes {
  KeyPair entry = KeyPair::generate();
  KeyPair exit = KeyPair::generate();
};

struct Met {
  NewSession ours;    ///< at the entry
  NewSession theirs;  ///< at the exit
};

/// INIT and RESP, handed over in memory.
inline Met meet(const Nodes& nodes, Time now) {
  auto attempt = InitAttempt::make(nodes.entry, nodes.exit.point);
  auto answer = consume_init(nodes.exit, attempt.value().bytes(), now);
  auto made = attempt->consume_resp(answer.value().resp, now);
  return {std::move(made.value()), std::move(answer->made)};
}

}  // namespace arctic::test
