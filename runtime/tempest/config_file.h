// A tempest.json on disk: read, checked, and refused with a reason.
//
// Called at start, by `--check`, and for every reload. Changes nothing.
#pragma once

#include <string>

#include "schema/artifact/tempest_config.h"

namespace arctic {

struct TempestConfigFile {
  TempestConfig config;
  std::string digest;  ///< BLAKE2b-256 of its bytes, hexadecimal
};

/// kFailure if it cannot be read; kConfig if it is not acceptable.
[[nodiscard]] Result<TempestConfigFile> read_tempest_config_file(const std::string& path);

}  // namespace arctic
