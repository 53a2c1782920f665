// mac1, mac2, and what is asked of whom while there are too many handshakes.
#include "runtime/tempest/cookie.h"

#include <catch2/catch.hpp>

#include "runtime/crypto/noise.h"
#include "runtime/tempest/handshake_gate.h"

namespace arctic::test {
namespace {

using std::chrono::seconds;
using Bytes = std::vector<std::uint8_t>;

const Source kHere{{Family::kIpv4, 0xc0000201U}, 1234};
const Source kOtherPort{{Family::kIpv4, 0xc0000201U}, 1235};
const Source kThere{{Family::kIpv6, U128{0x20010db8U} << 96 | 1}, 1234};

struct Pair {
  KeyPair own = KeyPair::generate();
  CookieChecker checker{own.point};
  CookieMaker maker{own.point};
  seconds now{100};

  Bytes message() {
    Bytes out(initiation::kBytes, 7);
    maker.add_macs(out, now);
    return out;
  }
};

}  // namespace

TEST_CASE("mac1 is right for its key alone") {
  Pair pair;
  const Bytes message = pair.message();
  CHECK(pair.checker.has_mac1(message));
  CHECK_FALSE(CookieChecker(KeyPair::generate().point).has_mac1(message));
}

TEST_CASE("a cookie shows an address and a port, for two minutes") {
  for (const Source& from : {kHere, kThere}) {
    Pair pair;
    const Bytes first = pair.message();
    CHECK_FALSE(pair.checker.has_mac2(first, from, pair.now));
    const CookieReply reply = pair.checker.create_reply(first, from, pair.now);
    CHECK(message_type(reply) == MessageType::kCookieReply);
    REQUIRE(pair.maker.consume_reply(reply, pair.now));
    CHECK_FALSE(pair.maker.consume_reply(reply, pair.now));

    const Bytes second = pair.message();
    CHECK(pair.checker.has_mac1(second));
    CHECK(pair.checker.has_mac2(second, from, pair.now));
    CHECK_FALSE(pair.checker.has_mac2(second, kOtherPort, pair.now));
    CHECK(pair.checker.has_mac2(second, from, pair.now + seconds(119)));
    CHECK_FALSE(pair.checker.has_mac2(second, from, pair.now + seconds(120)));
  }
}

TEST_CASE("a cookie is not used when it is about to end") {
  Pair pair;
  REQUIRE(pair.maker.consume_reply(pair.checker.create_reply(pair.message(), kHere, pair.now),
                                   pair.now));
  pair.now += seconds(114);
  CHECK(pair.checker.has_mac2(pair.message(), kHere, pair.now));
  pair.now += seconds(1);
  CHECK_FALSE(pair.checker.has_mac2(pair.message(), kHere, pair.now));
}

TEST_CASE("a reply to another message is none") {
  Pair pair;
  const CookieReply old = pair.checker.create_reply(pair.message(), kHere, pair.now);
  Bytes other(initiation::kBytes, 8);
  pair.maker.add_macs(other, pair.now);
  CHECK_FALSE(pair.maker.consume_reply(old, pair.now));
}

TEST_CASE("the gate: mac1 always; under load a cookie, then twenty a second") {
  Pair pair;
  HandshakeGate gate(pair.own.point);
  Bytes message = pair.message();
  CHECK_FALSE(gate.judge(message, kHere, false, false, pair.now).drop);
  Bytes wrong = message;
  wrong[9] ^= 1;
  CHECK(gate.judge(wrong, kHere, false, false, pair.now).drop == Drop::kWrongMac1);

  auto verdict = gate.judge(message, kHere, true, false, pair.now);
  CHECK(verdict.drop == Drop::kCookieSent);
  REQUIRE(verdict.reply);
  REQUIRE(pair.maker.consume_reply(*verdict.reply, pair.now));
  message = pair.message();
  unsigned good = 0;
  for (int i = 0; i < 100; ++i) {
    verdict = gate.judge(message, kHere, true, false, pair.now + std::chrono::milliseconds(10 * i));
    if (!verdict.drop) ++good;
    CHECK((!verdict.drop || verdict.drop == Drop::kTooOften));
  }
  CHECK(good >= 20 + SourceLimiter::kBurst - 2);
  CHECK(good <= 20 + SourceLimiter::kBurst);
}

TEST_CASE("a flood of strangers gets so many replies; a peer's address gets its own all the same") {
  Pair pair;
  HandshakeGate gate(pair.own.point);
  const Bytes message = pair.message();
  unsigned replies = 0;
  for (unsigned i = 0; i < 3 * HandshakeGate::kRepliesToStrangers; ++i) {
    const Source from{{Family::kIpv4, i}, 9};
    const auto verdict = gate.judge(message, from, true, false, pair.now);
    if (verdict.reply) ++replies;
    CHECK(verdict.drop == (verdict.reply ? Drop::kCookieSent : Drop::kBusy));
  }
  CHECK(replies == HandshakeGate::kRepliesToStrangers);
  CHECK(gate.judge(message, kHere, true, true, pair.now).reply);
  CHECK_FALSE(gate.judge(message, kHere, true, false, pair.now).reply);
  CHECK(gate.judge(message, kHere, true, false, pair.now + seconds(1)).reply);
}

}  // namespace arctic::test
