// The text of a runtime's configuration, read whole.
#pragma once

#include <string>

#include "schema/base/result.h"

namespace arctic {

/// kFailure if it is no ordinary file or cannot be read. Of a file that is larger than any good
/// one, a part that is larger too.
[[nodiscard]] Result<std::string> read_config_text(const std::string& path);

/// What is wrong with that text, as of this file.
[[nodiscard]] Error in_file(Error error, const std::string& path);

}  // namespace arctic
