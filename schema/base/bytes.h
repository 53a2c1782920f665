// Views of bytes: what parsers read and encoders fill.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace arctic {

using ByteView = std::span<const std::uint8_t>;
using ByteSpan = std::span<std::uint8_t>;

/// The characters of a text as bytes: labels, names.
[[nodiscard]] inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace arctic
