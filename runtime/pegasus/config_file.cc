#include "runtime/pegasus/config_file.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "runtime/crypto/key_file.h"
#include "schema/base/hash.h"

namespace arctic {
namespace {

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kFailure, path, errno_text(errno),
                errno == ENOENT ? "`arctic apply` writes it" : "");
  }
  // One byte more than can be decoded: a bigger file is refused there, and /dev/zero ends here.
  constexpr std::size_t kMostRead = (std::size_t{64} << 20) + 1;
  std::string text;
  std::array<char, 65536> piece;
  while (text.size() < kMostRead && (file.read(piece.data(), piece.size()) || file.gcount() > 0)) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return fail(ErrorCode::kFailure, path, "cannot be read");
  return text;
}

/// What this version cannot do is refused, never left out in silence.
Status check_supported(const PegasusConfig& config) {
  for (const auto& tunnel : config.tunnels) {
    if (tunnel.transport == Transport::kTcp) continue;
    return fail(ErrorCode::kConfig, "service " + tunnel.service,
                "transport_type kcp is not there yet", "use `transport_type: tcp` until it is");
  }
  if (config.metrics && !parse_address(config.metrics->host)) {
    return fail(ErrorCode::kConfig, "metrics", "'" + config.metrics->host + "' is no address",
                "metrics are served on an address of this node, as 127.0.0.1:9100 or [::1]:9100");
  }
  return {};
}

}  // namespace

Result<ConfigFile> read_config_file(const std::string& path) {
  ARCTIC_TRY(const std::string text, read_text(path));
  auto config = decode_pegasus_config(text);
  if (!config) {
    Error error = std::move(config).error();
    error.where = error.where.empty() ? path : path + ":" + error.where;
    return tl::unexpected<Error>(std::move(error));
  }
  ARCTIC_CHECK(check_supported(*config));
  return ConfigFile{std::move(*config), hex(blake2b_256(text))};
}

Status check_identity(const PegasusConfig& config, const PublicKey& own) {
  if (!config.public_key || *config.public_key == own) return {};
  return fail(ErrorCode::kRefused, "the node key",
              "is not the key of peer " + config.node + ", whose configuration this is",
              "compile the configuration for this node, or bring its key here");
}

Result<std::optional<KeyPair>> find_identity(const PegasusConfig& config, const std::string& root) {
  std::string path;
  std::optional<PrivateKey> key;
  if (const char* const folder = std::getenv("CREDENTIALS_DIRECTORY")) {
    path = std::string(folder) + "/node.key";
    ARCTIC_TRY(key, read_key_file(path));
  }
  if (!key) {
    path = root + config.private_key_file;
    ARCTIC_TRY(key, read_key_file(path));
  }
  if (!key) return std::optional<KeyPair>();
  KeyPair own = KeyPair::of(key->bytes());
  if (auto fits = check_identity(config, own.point); !fits) {
    Error error = std::move(fits).error();
    error.subject = path;
    return tl::unexpected<Error>(std::move(error));
  }
  return std::optional<KeyPair>(std::move(own));
}

Result<KeyPair> read_identity(const PegasusConfig& config, const std::string& root) {
  ARCTIC_TRY(std::optional<KeyPair> own, find_identity(config, root));
  if (own) return std::move(*own);
  return fail(ErrorCode::kConfig, root + config.private_key_file, "there is no node key",
              "`arctic keygen` makes one");
}

}  // namespace arctic
