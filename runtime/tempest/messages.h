// WireGuard's messages as they lie on the wire, and the numbers of its specification.
//
// Every datagram passes here first. Parsing takes hostile bytes and looks at sizes and types alone;
// what is authentic is for handshake.h, cookie.h and session.h to say. Pure. Reference: WireGuard
// whitepaper, 5.4 (messages) and 6.1 (constants). All numbers are little-endian.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "schema/base/bytes.h"

namespace arctic {

enum class MessageType : std::uint8_t {
  kInitiation = 1,
  kResponse = 2,
  kCookieReply = 3,
  kData = 4
};

/// What a datagram is, by its first four bytes and its size; nullopt if no message is like that.
[[nodiscard]] std::optional<MessageType> message_type(ByteView datagram);

[[nodiscard]] std::uint32_t number32(const std::uint8_t* bytes);
[[nodiscard]] std::uint64_t number64(const std::uint8_t* bytes);
void put32(std::uint32_t number, std::uint8_t* out);
void put64(std::uint64_t number, std::uint8_t* out);

/// 5.4.2: type, sender, Noise's first message with a timestamp in it, mac1, mac2.
namespace initiation {
inline constexpr std::size_t kSenderAt = 4;
inline constexpr std::size_t kNoiseAt = 8;
inline constexpr std::size_t kNoiseBytes = 32 + 48 + 28;
inline constexpr std::size_t kBytes = kNoiseAt + kNoiseBytes + 32;
}  // namespace initiation

/// 5.4.3: type, sender, receiver, Noise's second message, mac1, mac2.
namespace response {
inline constexpr std::size_t kSenderAt = 4;
inline constexpr std::size_t kReceiverAt = 8;
inline constexpr std::size_t kNoiseAt = 12;
inline constexpr std::size_t kNoiseBytes = 32 + 16;
inline constexpr std::size_t kBytes = kNoiseAt + kNoiseBytes + 32;
}  // namespace response

/// 5.4.4: the last 32 bytes of both.
inline constexpr std::size_t kMacBytes = 16;
inline constexpr std::size_t kMacsBytes = 2 * kMacBytes;

/// 5.4.7: type, receiver, nonce, sealed cookie.
namespace cookie_reply {
inline constexpr std::size_t kReceiverAt = 4;
inline constexpr std::size_t kNonceAt = 8;
inline constexpr std::size_t kCookieAt = 32;
inline constexpr std::size_t kBytes = kCookieAt + 16 + 16;
}  // namespace cookie_reply

/// 5.4.6: type, receiver, counter, sealed packet.
namespace data {
inline constexpr std::size_t kReceiverAt = 4;
inline constexpr std::size_t kCounterAt = 8;
inline constexpr std::size_t kHeadBytes = 16;
inline constexpr std::size_t kOverhead = kHeadBytes + 16;
inline constexpr std::size_t kPadding = 16;
/// What a packet is padded to: a multiple of kPadding, but not more than the device's MTU.
[[nodiscard]] constexpr std::size_t padded(std::size_t bytes, std::size_t mtu) {
  const std::size_t full = (bytes + kPadding - 1) / kPadding * kPadding;
  return full <= mtu || bytes > mtu ? full : mtu;
}
/// Writes the head.
void put_head(std::uint32_t receiver, std::uint64_t counter, std::uint8_t* out);
}  // namespace data

/// 6.1 and 6.2, with their names there.
namespace limits {
using std::chrono::seconds;
inline constexpr std::uint64_t kRekeyAfterMessages = std::uint64_t{1} << 60;
inline constexpr std::uint64_t kRejectAfterMessages = UINT64_MAX - (1U << 13);
inline constexpr seconds kRekeyAfterTime{120};
inline constexpr seconds kRejectAfterTime{180};
inline constexpr seconds kRekeyAttemptTime{90};
inline constexpr seconds kRekeyTimeout{5};
inline constexpr seconds kKeepaliveTimeout{10};
inline constexpr seconds kCookieTime{120};
/// Of what the specification leaves open: how much later than due a timer may run, so that two
/// peers do not go on meeting each other half way.
inline constexpr std::chrono::milliseconds kMostJitter{333};
/// A peer may not make us work more often than this.
inline constexpr std::chrono::milliseconds kInitiationInterval{20};
/// Packets that wait for a session.
inline constexpr std::size_t kMostStaged = 128;
}  // namespace limits

}  // namespace arctic
