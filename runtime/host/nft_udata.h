// nft's user data: type, length and value in a row, where it keeps comments and hints for listing.
//
// The kernel stores these bytes without looking at them. Written as nft 1.0 writes them, so that
// its listing of our table reads as if it had loaded it. Pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace arctic::nft {

/// REQUIRES: at most 254 bytes of text.
[[nodiscard]] inline std::string udata_text(std::uint8_t type, std::string_view text) {
  std::string bytes;
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(text.size() + 1);
  bytes += text;
  bytes += '\0';
  return bytes;
}

[[nodiscard]] inline std::string udata_number(std::uint8_t type, std::uint32_t number) {
  std::string bytes(2 + sizeof number, '\0');
  bytes[0] = static_cast<char>(type);
  bytes[1] = static_cast<char>(sizeof number);
  std::memcpy(bytes.data() + 2, &number, sizeof number);
  return bytes;
}

/// The text of the first entry of `type`, to its first zero; empty if there is none.
[[nodiscard]] inline std::string find_udata_text(const void* data, std::size_t size,
                                                 std::uint8_t type) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  std::size_t at = 0;
  while (at + 2 <= size && at + 2 + bytes[at + 1] <= size) {
    if (bytes[at] == type) {
      const auto* text = reinterpret_cast<const char*>(bytes + at + 2);
      return std::string(text, ::strnlen(text, bytes[at + 1]));
    }
    at += 2U + bytes[at + 1];
  }
  return {};
}

}  // namespace arctic::nft
