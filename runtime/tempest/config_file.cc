#include "runtime/tempest/config_file.h"

#include <utility>

#include "runtime/daemon/config_text.h"
#include "schema/base/address.h"
#include "schema/base/hash.h"

namespace arctic {

Result<TempestConfigFile> read_tempest_config_file(const std::string& path) {
  ARCTIC_TRY(const std::string text, read_config_text(path));
  auto config = decode_tempest_config(text);
  if (!config) return tl::unexpected<Error>(in_file(std::move(config).error(), path));
  if (config->metrics && !parse_address(config->metrics->host)) {
    return fail(ErrorCode::kConfig, "metrics", "'" + config->metrics->host + "' is no address",
                "metrics are served on an address of this node, as 127.0.0.1:9100 or [::1]:9100");
  }
  return TempestConfigFile{std::move(*config), hex(blake2b_256(text))};
}

}  // namespace arctic
