// A pegasus.json on disk: read, checked, and refused with a reason.
//
// Called at start, by `--check`, and for every reload. Changes nothing.
#pragma once

#include <string>

#include "runtime/pegasus/running.h"

namespace arctic {

struct ConfigFile {
  PegasusConfig config;
  std::string digest;  ///< BLAKE2b-256 of its bytes, hexadecimal
};

/// kFailure if it cannot be read; kConfig if it is not acceptable, or asks for what this version
/// cannot do.
[[nodiscard]] Result<ConfigFile> read_config_file(const std::string& path);

}  // namespace arctic
