// Bytes as lower-case hexadecimal text and back, for known answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/bytes.h"

namespace arctic::test {

inline std::string hex(ByteView bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15U];
  }
  return out;
}

/// REQUIRES: an even number of hexadecimal digits.
inline std::vector<std::uint8_t> unhex(std::string_view text) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const std::string byte(text.substr(i, 2));
    out.push_back(static_cast<std::uint8_t>(std::stoi(byte, nullptr, 16)));
  }
  return out;
}

}  // namespace arctic::test
