#include "schema/base/utf8.h"

#include <cstdint>

namespace arctic {

std::size_t wide_character_length(std::string_view text, std::size_t offset) {
  const auto at = [&](std::size_t i) -> std::uint32_t {
    return offset + i < text.size() ? static_cast<unsigned char>(text[offset + i]) : 0U;
  };
  const std::uint32_t lead = at(0);
  std::size_t length = 0;
  std::uint32_t least = 0;
  std::uint32_t code = 0;
  if (lead >= 0xc2 && lead < 0xe0) {
    length = 2, least = 0xa0, code = lead & 0x1f;  // below U+00A0 lie the C1 control characters
  } else if (lead >= 0xe0 && lead < 0xf0) {
    length = 3, least = 0x800, code = lead & 0x0f;
  } else if (lead >= 0xf0 && lead < 0xf5) {
    length = 4, least = 0x10000, code = lead & 0x07;
  } else {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    code = (code << 6) | (at(i) & 0x3f);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  const bool byte_order_mark = code == 0xfeff;
  return code < least || code > 0x10ffff || surrogate || byte_order_mark ? 0 : length;
}

}  // namespace arctic
