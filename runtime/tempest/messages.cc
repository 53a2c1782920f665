#include "runtime/tempest/messages.h"

namespace arctic {
namespace {

template <class T>
T number(const std::uint8_t* bytes) {
  T out = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) out |= static_cast<T>(T{bytes[i]} << (8 * i));
  return out;
}

template <class T>
void put(T value, std::uint8_t* out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace

std::uint32_t number32(const std::uint8_t* bytes) { return number<std::uint32_t>(bytes); }
std::uint64_t number64(const std::uint8_t* bytes) { return number<std::uint64_t>(bytes); }
void put32(std::uint32_t value, std::uint8_t* out) { put(value, out); }
void put64(std::uint64_t value, std::uint8_t* out) { put(value, out); }

std::optional<MessageType> message_type(ByteView datagram) {
  if (datagram.size() < 4) return std::nullopt;
  switch (number32(datagram.data())) {
    case 1:
      if (datagram.size() == initiation::kBytes) return MessageType::kInitiation;
      return std::nullopt;
    case 2:
      if (datagram.size() == response::kBytes) return MessageType::kResponse;
      return std::nullopt;
    case 3:
      if (datagram.size() == cookie_reply::kBytes) return MessageType::kCookieReply;
      return std::nullopt;
    case 4:
      if (datagram.size() >= data::kOverhead) return MessageType::kData;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

void data::put_head(std::uint32_t receiver, std::uint64_t counter, std::uint8_t* out) {
  put32(static_cast<std::uint32_t>(MessageType::kData), out);
  put32(receiver, out + kReceiverAt);
  put64(counter, out + kCounterAt);
}

}  // namespace arctic
