// The frames inside of a tunnel connection's records, as values.
//
// The relay and the tests speak them. Parsing takes hostile bytes and is strict: every byte of a
// body counts, sizes are exact. Pure; sealing is record.h's work. Layout: a frame is its type, one
// byte, and a body; numbers are big-endian.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "schema/base/address.h"
#include "schema/base/bytes.h"

namespace arctic {

enum class FrameType : std::uint8_t {
  kOpen = 1,
  kOpened = 2,
  kRefused = 3,
  kData = 4,
  kFin = 5,
  kReset = 6,
  kPing = 7,
  kPong = 8,
  kRekey = 9,
  kSwitch = 10,
};

/// kOpen: 4 or 6, source address and port, destination address and port, service ID.
struct OpenFrame {
  Address source;
  std::uint16_t source_port = 0;
  Address destination;  ///< of the source's family
  std::uint16_t destination_port = 0;
  std::string_view service;  ///< ID, 1 to 63 characters of [a-z0-9-]; points into the body
};
inline constexpr std::size_t kMaxOpenBytes = 1 + 2 * 18 + 63;

enum class RefusedReason : std::uint8_t {
  kDialFailed = 1,
  kNotAllowed = 2,
  kUnknownService = 3,
  kOverloaded = 4,
};
/// "the dial failed"
[[nodiscard]] const char* to_string(RefusedReason reason);
struct RefusedFrame {
  RefusedReason reason = RefusedReason::kDialFailed;
  std::uint16_t error = 0;  ///< errno of the dial, or 0
};

inline constexpr std::size_t kMaxDataBytes = 65518;

/// Whether a frame of this type may have a body of this size; false for unknown types.
[[nodiscard]] bool good_size(std::uint8_t type, std::size_t body_bytes);

[[nodiscard]] std::optional<OpenFrame> parse_open(ByteView body);
/// Writes the body; returns its size. REQUIRES: kMaxOpenBytes of room, one family, a good ID.
std::size_t encode_open(const OpenFrame& frame, std::uint8_t* out);
[[nodiscard]] std::optional<RefusedFrame> parse_refused(ByteView body);
[[nodiscard]] std::array<std::uint8_t, 3> encode_refused(const RefusedFrame& frame);

}  // namespace arctic
