// Which peer of the file this machine is: by its node key, by --node, or neither.
//
// Called by every command that is about one node. The private key does not leave runtime/crypto.
#pragma once

#include <optional>
#include <string>

#include "schema/base/key.h"
#include "schema/base/result.h"
#include "schema/config.h"

namespace arctic {

/// The public key of the node key below `root`; nullopt if there is none. kRefused if others may
/// read it or it is not root's (with the cure), kConfig if it is no key.
[[nodiscard]] Result<std::optional<PublicKey>> node_public_key(const std::string& root);

/// The peer's name. `said`: what --node says. kRefused for a key that is not that peer's, or
/// nobody's; kConfig if `said` is no peer of the file; kUsage with neither key nor `said`.
[[nodiscard]] Result<std::string> node_of(const Config& config, const std::optional<PublicKey>& key,
                                          const std::optional<std::string>& said);

/// `arctic keygen`: makes a key pair; the private key goes into `path`, 0600, and nowhere else.
/// kRefused if there is a file already and not `force`. Missing folders are made (0755).
[[nodiscard]] Result<PublicKey> generate_key(const std::string& path, bool force);

}  // namespace arctic
