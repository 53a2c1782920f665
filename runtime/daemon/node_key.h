// The node's key as a runtime finds it, held against the peer whose configuration it loads.
//
// Called at start, by `--check`, and for every reload. Changes nothing.
#pragma once

#include <optional>
#include <string>

#include "runtime/crypto/noise.h"
#include "schema/base/result.h"

namespace arctic {

/// What a configuration says of the node that it is for.
struct NodeClaim {
  std::string node;
  std::optional<PublicKey> public_key;
  std::string private_key_file;
};
template <class RuntimeConfig>
NodeClaim claim_of(const RuntimeConfig& config) {
  return {config.node, config.public_key, config.private_key_file};
}

/// The node's key: $CREDENTIALS_DIRECTORY/node.key if there is one, else the configuration's
/// `private_key_file` below `root`, else none. kRefused if it is another peer's.
[[nodiscard]] Result<std::optional<KeyPair>> find_identity(const NodeClaim& claim,
                                                           const std::string& root);
/// The same, and kConfig if there is none.
[[nodiscard]] Result<KeyPair> read_identity(const NodeClaim& claim, const std::string& root);
/// kRefused if the configuration is another peer's.
[[nodiscard]] Status check_identity(const NodeClaim& claim, const PublicKey& own);

}  // namespace arctic
