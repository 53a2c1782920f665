// Key material: fixed-size bytes that are wiped when they go.
//
// For keys that live as long as a session or connection. Moves wipe what they leave behind; there
// is no copy but by name, so that every place where a secret doubles can be found.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/crypto/keys.h"
#include "schema/base/bytes.h"

namespace arctic {

template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(ByteView bytes) {
    for (std::size_t i = 0; i < N; ++i) bytes_[i] = bytes[i];  // REQUIRES: N bytes
  }
  ~Secret() { wipe(bytes_.data(), N); }
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_.data(), N); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_.data(), N);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  [[nodiscard]] Secret clone() const { return Secret(view()); }
  [[nodiscard]] ByteView view() const { return bytes_; }
  [[nodiscard]] std::array<std::uint8_t, N>& bytes() { return bytes_; }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

using Key = Secret<32>;

}  // namespace arctic
