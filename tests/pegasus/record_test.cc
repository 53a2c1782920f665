// Records between two ends in memory: every frame, every altered bit, and the change of keys.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/pegasus/peers.h"

namespace arctic::test {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr Time kNow = std::chrono::seconds(1000);

struct Ends {
  explicit Ends(Met met = meet(Nodes{}, kNow))
      : entry(LinkEnd::kInitiator, std::move(met.ours.keys), kNow),
        exit(LinkEnd::kResponder, std::move(met.theirs.keys), kNow) {}
  RecordLayer entry;
  RecordLayer exit;
};

Bytes seal(RecordLayer& from, FrameType type, const Bytes& body = {}) {
  Bytes record(body.size() + kRecordOverhead);
  std::copy(body.begin(), body.end(), record.begin() + kRecordHead);
  REQUIRE(from.seal(type, record));
  CHECK(record_rest(record.data()) == record.size() - kLengthBytes);
  return record;
}

/// The body that `to` opens; nullopt if it opens nothing.
std::optional<Bytes> open(RecordLayer& to, Bytes record, FrameType type) {
  const auto opened = to.open(ByteSpan(record).subspan(kLengthBytes));
  if (!opened) return std::nullopt;
  CHECK(opened->type == type);
  return Bytes(opened->body.begin(), opened->body.end());
}

std::optional<Bytes> pass(RecordLayer& from, RecordLayer& to, const Bytes& body) {
  return open(to, seal(from, FrameType::kData, body), FrameType::kData);
}

/// The entry's change of keys; what is said between the steps passes too.
void change_keys(Ends& ends, Time now) {
  const auto carry = [&](RecordLayer& from, RecordLayer& to, FrameType type, const Bytes& body) {
    Bytes record = seal(from, type, body);
    const auto opened = to.open(ByteSpan(record).subspan(kLengthBytes));
    REQUIRE(opened);
    return to.consume_rekey(*opened, now);
  };
  const auto bytes = [](const PublicKey& key) { return Bytes(key.bytes.begin(), key.bytes.end()); };
  const PublicKey first = ends.entry.begin_rekey();
  const auto at_exit = carry(ends.entry, ends.exit, FrameType::kRekey, bytes(first));
  REQUIRE(at_exit.good);
  REQUIRE(at_exit.answer == FrameType::kRekey);
  CHECK(pass(ends.entry, ends.exit, {1}) == Bytes{1});
  const auto at_entry = carry(ends.exit, ends.entry, FrameType::kRekey, bytes(at_exit.point));
  REQUIRE(at_entry.good);
  REQUIRE(at_entry.answer == FrameType::kSwitch);
  CHECK(pass(ends.exit, ends.entry, {2}) == Bytes{2});
  CHECK(pass(ends.entry, ends.exit, {3}) == Bytes{3});
  const auto done = carry(ends.entry, ends.exit, FrameType::kSwitch, {});
  REQUIRE(done.good);
  CHECK_FALSE(done.answer);
}

}  // namespace

TEST_CASE("records pass both ways, of every size") {
  Ends ends;
  for (const std::size_t size : {1U, 2U, 15U, 16U, 17U, 1000U, 16384U, 65518U}) {
    const Bytes body(size, static_cast<std::uint8_t>(size));
    CHECK(pass(ends.entry, ends.exit, body) == body);
    CHECK(pass(ends.exit, ends.entry, body) == body);
  }
}

TEST_CASE("a record that was altered, repeated, left out or turned round opens nothing") {
  Ends ends;
  const Bytes record = seal(ends.entry, FrameType::kData, {1, 2, 3});
  for (std::size_t bit = kLengthBytes * 8; bit < record.size() * 8; ++bit) {
    Ends fresh;
    Bytes altered = seal(fresh.entry, FrameType::kData, {1, 2, 3});
    altered[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    INFO("bit " << bit);
    CHECK_FALSE(fresh.exit.open(ByteSpan(altered).subspan(kLengthBytes)));
  }
  Ends repeated;
  const Bytes once = seal(repeated.entry, FrameType::kData, {7});
  CHECK(open(repeated.exit, once, FrameType::kData) == Bytes{7});
  CHECK_FALSE(open(repeated.exit, once, FrameType::kData));
  Ends skipped;
  (void)seal(skipped.entry, FrameType::kData, {1});
  CHECK_FALSE(open(skipped.exit, seal(skipped.entry, FrameType::kData, {2}), FrameType::kData));
  Ends reflected;
  CHECK_FALSE(
      open(reflected.entry, seal(reflected.entry, FrameType::kData, {1}), FrameType::kData));
}

TEST_CASE("every size that a frame must not have is refused, however authentic") {
  for (int type = 0; type <= 11; ++type) {
    for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 7U, 8U, 9U, 31U, 32U, 33U, 100U, 101U}) {
      Ends ends;
      Bytes record(size + kRecordOverhead);
      REQUIRE(ends.entry.seal(static_cast<FrameType>(type), record));
      const bool opened = ends.exit.open(ByteSpan(record).subspan(kLengthBytes)).has_value();
      INFO("type " << type << ", size " << size);
      CHECK(opened == good_size(static_cast<std::uint8_t>(type), size));
    }
  }
}

TEST_CASE("keys change, again and again, and the old ones open nothing") {
  Ends ends;
  CHECK_FALSE(ends.entry.rekey_due(kNow + kRekeyAfter));  // nothing has passed yet
  CHECK(pass(ends.entry, ends.exit, {9}) == Bytes{9});
  CHECK_FALSE(ends.entry.rekey_due(kNow + kRekeyAfter - Time(1)));
  CHECK(ends.entry.rekey_due(kNow + kRekeyAfter));
  CHECK_FALSE(ends.exit.rekey_due(kNow + kRekeyAfter));
  Time now = kNow;
  for (int i = 0; i < 3; ++i) {
    now += kRekeyAfter;
    change_keys(ends, now);
    CHECK_FALSE(ends.entry.rekey_due(now));
    CHECK(pass(ends.entry, ends.exit, {4}) == Bytes{4});
    CHECK(pass(ends.exit, ends.entry, {5}) == Bytes{5});
  }
}

TEST_CASE("a change of keys out of turn is refused") {
  const Bytes point(32, 9);
  const auto step = [](RecordLayer& from, RecordLayer& to, FrameType type, const Bytes& body) {
    Bytes record = seal(from, type, body);
    const auto opened = to.open(ByteSpan(record).subspan(kLengthBytes));
    REQUIRE(opened);
    return to.consume_rekey(*opened, kNow).good;
  };
  SECTION("the exit begins") {
    Ends ends;
    CHECK_FALSE(step(ends.exit, ends.entry, FrameType::kRekey, point));
  }
  SECTION("SWITCH without REKEY") {
    Ends ends;
    CHECK_FALSE(step(ends.entry, ends.exit, FrameType::kSwitch, {}));
  }
  SECTION("a second REKEY before SWITCH") {
    Ends ends;
    CHECK(step(ends.entry, ends.exit, FrameType::kRekey, point));
    CHECK_FALSE(step(ends.entry, ends.exit, FrameType::kRekey, point));
  }
  SECTION("SWITCH before the exit's REKEY") {
    Ends ends;
    CHECK(step(ends.entry, ends.exit, FrameType::kRekey, point));
    CHECK_FALSE(step(ends.entry, ends.exit, FrameType::kSwitch, {}));
  }
  SECTION("a point of low order") {
    Ends ends;
    CHECK_FALSE(step(ends.entry, ends.exit, FrameType::kRekey, Bytes(32, 0)));
  }
  SECTION("the exit's SWITCH") {
    Ends ends;
    CHECK_FALSE(step(ends.exit, ends.entry, FrameType::kSwitch, {}));
  }
}

}  // namespace arctic::test
