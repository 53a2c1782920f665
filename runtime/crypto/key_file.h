// Files with a private key: one line of base64, mode 0600.
//
// Read by the commands that need a node's identity and by both runtimes at start; written by keygen
// alone. Never follows a symbolic link to its last component, never prints a key.
#pragma once

#include <optional>
#include <string>

#include "runtime/crypto/keys.h"
#include "schema/base/result.h"

namespace arctic {

/// nullopt if there is no such file. kRefused if it is not a regular file, if others than its owner
/// may read or write it, or if it belongs neither to root nor to this process' user; kConfig if it
/// holds no key.
[[nodiscard]] Result<std::optional<PrivateKey>> read_key_file(const std::string& path);

/// Atomic and durable, 0600 whatever the umask. kRefused if the file exists and not `replace`: then
/// it is not touched, not even by a race of two. REQUIRES: its folder exists.
[[nodiscard]] Status write_key_file(const std::string& path, const PrivateKey& key, bool replace);

}  // namespace arctic
