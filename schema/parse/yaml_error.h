// What the YAML library complains about, in the words of people who write YAML.
//
// Called by the tree builder where the library throws. Never throws itself.
#pragma once

#include <cstddef>
#include <string_view>

#include "schema/base/diagnostic.h"

namespace arctic {

/// `complaint` is the library's message without its place; `offset` the byte that it points at.
void report_yaml_error(std::string_view complaint, std::string_view text, std::size_t offset,
                       Diagnostics& diagnostics);

}  // namespace arctic
