#include "runtime/pegasus/frame.h"

#include <algorithm>

namespace arctic {
namespace {

constexpr std::size_t kMaxServiceBytes = 63;

bool is_id_character(std::uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

std::uint16_t number16(const std::uint8_t* bytes) {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

std::uint8_t* put16(std::uint16_t number, std::uint8_t* out) {
  *out++ = static_cast<std::uint8_t>(number >> 8);
  *out++ = static_cast<std::uint8_t>(number);
  return out;
}

std::uint8_t* put_address(const Address& address, std::uint8_t* out) {
  const auto bytes = address.bytes();
  return std::copy_n(bytes.begin(), address.size(), out);
}

}  // namespace

bool good_size(std::uint8_t type, std::size_t body_bytes) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kOpen:
      return body_bytes >= 1 + 2 * 6 + 1 && body_bytes <= kMaxOpenBytes;
    case FrameType::kRefused:
      return body_bytes == 3;
    case FrameType::kData:
      return body_bytes >= 1 && body_bytes <= kMaxDataBytes;
    case FrameType::kPing:
    case FrameType::kPong:
      return body_bytes == 8;
    case FrameType::kRekey:
      return body_bytes == 32;
    case FrameType::kOpened:
    case FrameType::kFin:
    case FrameType::kReset:
    case FrameType::kSwitch:
      return body_bytes == 0;
  }
  return false;
}

std::optional<OpenFrame> parse_open(ByteView body) {
  if (body.empty() || (body[0] != 4 && body[0] != 6)) return std::nullopt;
  const Family family = body[0] == 4 ? Family::kIpv4 : Family::kIpv6;
  const std::size_t address_bytes = family == Family::kIpv4 ? 4 : 16;
  const std::size_t service_at = 1 + 2 * (address_bytes + 2);
  if (body.size() <= service_at || body.size() > service_at + kMaxServiceBytes) return std::nullopt;
  const ByteView service = body.subspan(service_at);
  if (!std::all_of(service.begin(), service.end(), is_id_character)) return std::nullopt;

  OpenFrame frame;
  const std::uint8_t* at = body.data() + 1;
  frame.source = address_from_bytes(family, at);
  frame.source_port = number16(at + address_bytes);
  at += address_bytes + 2;
  frame.destination = address_from_bytes(family, at);
  frame.destination_port = number16(at + address_bytes);
  frame.service = {reinterpret_cast<const char*>(service.data()), service.size()};
  return frame;
}

std::size_t encode_open(const OpenFrame& frame, std::uint8_t* out) {
  std::uint8_t* at = out;
  *at++ = static_cast<std::uint8_t>(frame.source.family);
  at = put16(frame.source_port, put_address(frame.source, at));
  at = put16(frame.destination_port, put_address(frame.destination, at));
  at = std::copy(frame.service.begin(), frame.service.end(), at);
  return static_cast<std::size_t>(at - out);
}

const char* to_string(RefusedReason reason) {
  switch (reason) {
    case RefusedReason::kDialFailed:
      return "the dial failed";
    case RefusedReason::kNotAllowed:
      return "the service does not allow it";
    case RefusedReason::kUnknownService:
      return "it does not know the service";
    case RefusedReason::kOverloaded:
      break;
  }
  return "it is overloaded";
}

std::optional<RefusedFrame> parse_refused(ByteView body) {
  if (body.size() != 3 || body[0] < 1 || body[0] > 4) return std::nullopt;
  return RefusedFrame{static_cast<RefusedReason>(body[0]), number16(body.data() + 1)};
}

std::array<std::uint8_t, 3> encode_refused(const RefusedFrame& frame) {
  return {static_cast<std::uint8_t>(frame.reason), static_cast<std::uint8_t>(frame.error >> 8),
          static_cast<std::uint8_t>(frame.error)};
}

}  // namespace arctic
