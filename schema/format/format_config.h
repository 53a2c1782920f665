// Configuration text → the same configuration in its canonical layout.
//
// Only white space changes: indentation, the space after colons and dashes, white space at line
// ends, runs of blank lines, and one blank line between top-level sections and between the items of
// peers and services. Comments, quotes, order of keys and flow style stay as they are written.
// Called by the command fmt. Never returns a text that means something else.
#pragma once

#include <string>
#include <string_view>

#include "schema/base/diagnostic.h"
#include "schema/base/result.h"

namespace arctic {

/// kConfig, with the problems in `diagnostics`, if the reader does not take the text; kConfig
/// without any if the layout cannot be changed safely. format(format(x)) == format(x).
[[nodiscard]] Result<std::string> format_config(std::string_view text, Diagnostics& diagnostics);

}  // namespace arctic
