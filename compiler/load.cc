#include "compiler/load.h"

#include "compiler/derived_names.h"
#include "compiler/shadow.h"
#include "schema/check/check_config.h"
#include "schema/parse/parse_config.h"

namespace arctic {

Config load(std::string_view text, Diagnostics& diagnostics) {
  Config config = parse_config(text, diagnostics);
  check_config(config, diagnostics);
  check_derived_names(config, diagnostics);
  check_order(config, diagnostics);
  diagnostics.sort();
  return config;
}

}  // namespace arctic
