// UTF-8, character by character.
//
// Used where text from outside is checked or shown. Knows what may stand in a text file and on a
// terminal: no control characters but those that the caller takes for itself.
#pragma once

#include <cstddef>
#include <string_view>

namespace arctic {

/// Bytes of the well-formed character beyond ASCII at `offset`; 0 if there is none, or a control
/// character (C1) or a byte order mark.
[[nodiscard]] std::size_t wide_character_length(std::string_view text, std::size_t offset);

}  // namespace arctic
