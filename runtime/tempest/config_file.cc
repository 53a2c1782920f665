#include "runtime/tempest/config_file.h"

#include <utility>

#include "runtime/daemon/config_text.h"
#include "schema/base/address.h"
#include "schema/base/hash.h"

namespace arctic {

Result<TempestConfigFile> read_tempest_config_file(const std::string& path) {
  ARCTIC_TRY(const std::string text, read_config_text(path));
  auto config = decode_tempest_config(text);
  if (!config) {
    Error error = std::move(config).error();
    error.where = error.where.empty() ? path : path + ":" + error.where;
    return tl::unexpected<Error>(std::move(error));
  }
  if (config->metrics && !parse_address(config->metrics->host)) {
    return fail(ErrorCode::kConfig, "metrics", "'" + config->metrics->host + "' is no address",
                "metrics are served on an address of this node, as 127.0.0.1:9100 or [::1]:9100");
  }
  return TempestConfigFile{std::move(*config), hex(blake2b_256(text))};
}

}  // namespace arctic
