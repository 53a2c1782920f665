#include "runtime/host/identity.h"

#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "runtime/crypto/key_file.h"
#include "runtime/host/apply.h"
#include "schema/base/diagnostic.h"

namespace arctic {
namespace {

tl::unexpected<Error> no_such_peer(const Config& config, const std::string& said) {
  std::vector<std::string_view> names;
  for (const Peer& peer : config.peers) names.push_back(peer.name.value);
  const std::string_view near = nearest(said, names);
  std::string hint;
  if (!near.empty()) {
    hint = "did you mean `" + std::string(near) + "`?";
  } else {
    for (const std::string_view name : names) {
      if (hint.size() > 120) {
        hint += ", …";
        break;
      }
      hint += (hint.empty() ? "peers: " : ", ") + std::string(name);
    }
  }
  return fail(ErrorCode::kConfig, "--node " + said, "no peer of the file has this name", hint);
}

const Peer* peer_with(const Config& config, const PublicKey& key) {
  for (const Peer& peer : config.peers) {
    if (peer.public_key && peer.public_key->value == key) return &peer;
  }
  return nullptr;
}

Status make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    const bool made = ::mkdir(folder.c_str(), 0755) == 0;
    // A umask must not take away what the daemons need to read.
    if (made ? ::chmod(folder.c_str(), 0755) != 0 : errno != EEXIST) {
      const int number = errno;
      return fail(ErrorCode::kFailure, folder, "cannot make the folder: " + errno_text(number),
                  number == EACCES ? "run it as root, or name another file with --out" : "");
    }
  }
  return {};
}

}  // namespace

Result<std::optional<PublicKey>> node_public_key(const std::string& root) {
  ARCTIC_TRY(const auto key, read_key_file((root == "/" ? "" : root) + kNodeKeyPath));
  if (!key) return std::optional<PublicKey>();
  return std::optional<PublicKey>(key->public_key());
}

Result<std::string> node_of(const Config& config, const std::optional<PublicKey>& key,
                            const std::optional<std::string>& said) {
  const Peer* const named = said ? config.find_peer(*said) : nullptr;
  if (said && named == nullptr) return no_such_peer(config, *said);
  if (!key) {
    if (named != nullptr) return named->name.value;
    return fail(ErrorCode::kUsage, kNodeKeyPath,
                "there is no node key, so nothing says which peer this node is",
                "say it with --node NAME, or make a key with `arctic keygen` and write what it "
                "prints as this peer's `public_key`");
  }
  const Peer* const owner = peer_with(config, *key);
  if (named != nullptr && owner != nullptr && owner != named) {
    return fail(ErrorCode::kRefused, "--node " + *said,
                "the node key here is that of peer `" + owner->name.value + "`",
                "leave out --node, or run this on `" + *said + "`");
  }
  if (named != nullptr && named->public_key && owner == nullptr) {
    return fail(
        ErrorCode::kRefused, "--node " + *said,
        "the node key here does not belong to the `public_key` of this peer",
        "write `public_key: \"" + key->to_string() + "\"` there if this node is `" + *said + "`");
  }
  if (named != nullptr) return named->name.value;
  if (owner != nullptr) return owner->name.value;
  return fail(ErrorCode::kRefused, kNodeKeyPath, "no peer of the file has the key of this node",
              "write `public_key: \"" + key->to_string() + "\"` in this node's peer");
}

Result<PublicKey> generate_key(const std::string& path, bool force) {
  ARCTIC_CHECK(make_folders(path));
  const PrivateKey key = PrivateKey::generate();
  ARCTIC_CHECK(write_key_file(path, key, force));
  return key.public_key();
}

}  // namespace arctic
