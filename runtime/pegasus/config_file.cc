#include "runtime/pegasus/config_file.h"

#include <utility>

#include "runtime/daemon/config_text.h"
#include "schema/base/hash.h"

namespace arctic {
namespace {

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
  ARCTIC_TRY(const std::string text, read_config_text(path));
  auto config = decode_pegasus_config(text);
  if (!config) return tl::unexpected<Error>(in_file(std::move(config).error(), path));
  ARCTIC_CHECK(check_supported(*config));
  return ConfigFile{std::move(*config), hex(blake2b_256(text))};
}

}  // namespace arctic
