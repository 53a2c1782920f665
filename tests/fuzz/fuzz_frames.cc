// Any bytes as what a peer sends after the handshake: a frame's body, and records sealed or not.
// What parses encodes to the same bytes; nothing is opened that was not sealed.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/pegasus/record.h"
#include "tests/fuzz/require.h"

namespace arctic {
namespace {

using Bytes = std::vector<std::uint8_t>;

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

/// `type` and `body` agree with the parser of that type.
void check_frame(std::uint8_t type, ByteView body) {
  const bool good = good_size(type, body.size());
  if (const auto open = parse_open(body)) {
    require(good_size(static_cast<std::uint8_t>(FrameType::kOpen), body.size()),
            "an OPEN that parses has a good size");
    require(open->source.family == open->destination.family, "an OPEN has one family");
    require(!open->service.empty() && open->service.size() <= 63, "an OPEN has a service");
    std::array<std::uint8_t, kMaxOpenBytes> again;
    const std::size_t size = encode_open(*open, again.data());
    require(same(ByteView(again).first(size), body), "OPEN: encode(parse(x)) == x");
  }
  if (const auto refused = parse_refused(body)) {
    require(good_size(static_cast<std::uint8_t>(FrameType::kRefused), body.size()),
            "a REFUSED that parses has a good size");
    require(same(encode_refused(*refused), body), "REFUSED: encode(parse(x)) == x");
  }
  require(!good || body.size() <= kMaxDataBytes, "no frame is larger than a record");
  require(!good || (type >= 1 && type <= 10), "unknown types have no good size");
}

ConnectionKeys some_keys() {
  ConnectionKeys keys;
  keys.chaining.bytes().fill(1);
  keys.to_responder.bytes().fill(2);
  keys.to_initiator.bytes().fill(3);
  return keys;
}

/// Bytes that nobody sealed: never opened.
void check_forged(ByteView bytes) {
  if (bytes.size() < kMinRecordRest || bytes.size() > kMaxRecordRest) return;
  RecordLayer layer(LinkEnd::kResponder, some_keys(), Time{});
  Bytes rest(bytes.begin(), bytes.end());
  require(!layer.open(rest), "what nobody sealed does not open");
}

/// A record of a peer that has the keys and sends what it likes.
void check_sealed(std::uint8_t type, ByteView body) {
  if (body.size() > kMaxDataBytes) return;
  // The initiator's SWITCH changes its key, and there is none here to change to.
  if (type == static_cast<std::uint8_t>(FrameType::kSwitch)) return;
  RecordLayer sender(LinkEnd::kInitiator, some_keys(), Time{});
  RecordLayer receiver(LinkEnd::kResponder, some_keys(), Time{});
  Bytes record(kRecordOverhead + body.size());
  std::copy(body.begin(), body.end(), record.begin() + kRecordHead);
  require(sender.seal(static_cast<FrameType>(type), record), "a fresh key seals");
  require(record_rest(record.data()) == record.size() - kLengthBytes, "the length is the rest's");
  const auto opened = receiver.open(ByteSpan(record).subspan(kLengthBytes));
  require(opened.has_value() == good_size(type, body.size()), "what is of a good size opens");
  if (!opened) return;
  require(static_cast<std::uint8_t>(opened->type) == type, "the type is the sender's");
  require(same(opened->body, body), "the body is the sender's");
  check_frame(type, opened->body);
  const auto step = receiver.consume_rekey(*opened, Time{});
  require(opened->type == FrameType::kRekey || !step.good, "only REKEY changes keys here");
}

}  // namespace
}  // namespace arctic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const arctic::ByteView bytes(data, size);
  arctic::check_forged(bytes);
  if (size == 0) return 0;
  arctic::check_frame(data[0], bytes.subspan(1));
  arctic::check_sealed(data[0], bytes.subspan(1));
  return 0;
}
