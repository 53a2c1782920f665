#include "runtime/daemon/node_key.h"

#include <cstdlib>
#include <utility>

#include "runtime/crypto/key_file.h"

namespace arctic {

Status check_identity(const NodeClaim& claim, const PublicKey& own) {
  if (!claim.public_key || *claim.public_key == own) return {};
  return fail(ErrorCode::kRefused, "the node key",
              "is not the key of peer " + claim.node + ", whose configuration this is",
              "compile the configuration for this node, or bring its key here");
}

Result<std::optional<KeyPair>> find_identity(const NodeClaim& claim, const std::string& root) {
  std::string path;
  std::optional<PrivateKey> key;
  if (const char* const folder = std::getenv("CREDENTIALS_DIRECTORY")) {
    path = std::string(folder) + "/node.key";
    ARCTIC_TRY(key, read_key_file(path));
  }
  if (!key) {
    path = root + claim.private_key_file;
    ARCTIC_TRY(key, read_key_file(path));
  }
  if (!key) return std::optional<KeyPair>();
  KeyPair own = KeyPair::of(key->bytes());
  if (auto fits = check_identity(claim, own.point); !fits) {
    Error error = std::move(fits).error();
    error.subject = path;
    return tl::unexpected<Error>(std::move(error));
  }
  return std::optional<KeyPair>(std::move(own));
}

Result<KeyPair> read_identity(const NodeClaim& claim, const std::string& root) {
  ARCTIC_TRY(std::optional<KeyPair> own, find_identity(claim, root));
  if (own) return std::move(*own);
  return fail(ErrorCode::kConfig, root + claim.private_key_file, "there is no node key",
              "`arctic keygen` makes one");
}

}  // namespace arctic
