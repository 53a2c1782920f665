// A pegasus.json on disk and the node's key: read, checked, and refused with a reason.
//
// Called at start, by `--check`, and for every reload. Changes nothing.
#pragma once

#include <string>

#include "runtime/crypto/noise.h"
#include "runtime/pegasus/running.h"

namespace arctic {

struct ConfigFile {
  PegasusConfig config;
  std::string digest;  ///< BLAKE2b-256 of its bytes, hexadecimal
};

/// kFailure if it cannot be read; kConfig if it is not acceptable, or asks for what this version
/// cannot do.
[[nodiscard]] Result<ConfigFile> read_config_file(const std::string& path);

/// The node's key: $CREDENTIALS_DIRECTORY/node.key if there is one, else the configuration's
/// `private_key_file` below `root`, else none. kRefused if it is another peer's.
[[nodiscard]] Result<std::optional<KeyPair>> find_identity(const PegasusConfig& config,
                                                           const std::string& root);
/// The same, and kConfig if there is none.
[[nodiscard]] Result<KeyPair> read_identity(const PegasusConfig& config, const std::string& root);
/// kRefused if the configuration is another peer's.
[[nodiscard]] Status check_identity(const PegasusConfig& config, const PublicKey& own);

}  // namespace arctic
