// What calls of libcrypto in this folder have in common. For its .cc files alone.
#pragma once

#include <cstdlib>

namespace arctic {

/// For calls that can only fail without memory, or without the library's own default provider:
/// there is no going on then, and nothing to tell a caller.
inline void must(bool fine) {
  if (!fine) std::abort();
}

}  // namespace arctic
