// How a fuzz target says that a property does not hold: it ends the process, input kept.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace arctic {

inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

}  // namespace arctic
