// Sessions between two nodes in memory: what each message makes, and what no altered one makes.
#include <catch2/catch.hpp>
#include <set>

#include "tests/pegasus/peers.h"

namespace arctic::test {
namespace {

constexpr Time kNow = std::chrono::seconds(1000);

bool same(const Key& a, const Key& b) { return equal_constant_time(a.view(), b.view()); }

bool same(const ConnectionKeys& a, const ConnectionKeys& b) {
  return same(a.chaining, b.chaining) && same(a.to_responder, b.to_responder) &&
         same(a.to_initiator, b.to_initiator);
}

}  // namespace

TEST_CASE("INIT and RESP give both ends the same session and keys") {
  const Nodes nodes;
  const Met met = meet(nodes, kNow);
  CHECK(met.ours.session.id == met.theirs.session.id);
  CHECK(same(met.ours.session.secret, met.theirs.session.secret));
  CHECK(same(met.ours.keys, met.theirs.keys));
  CHECK(met.ours.session.remote == nodes.exit.point);
  CHECK(met.theirs.session.remote == nodes.entry.point);
  CHECK_FALSE(same(met.ours.keys.to_responder, met.ours.keys.to_initiator));
}

TEST_CASE("HELLO and ACCEPT give keys that no other connection has") {
  const Nodes nodes;
  const Met met = meet(nodes, kNow);
  std::set<std::vector<std::uint8_t>> seen;
  const auto add = [&](const Key& key) {
    return seen.emplace(key.view().begin(), key.view().end()).second;
  };
  CHECK(add(met.ours.keys.to_responder));
  CHECK(add(met.ours.keys.to_initiator));
  for (int i = 0; i < 20; ++i) {
    const Hello hello = make_hello(met.ours.session);
    CHECK(session_of(hello) == met.theirs.session.id);
    const auto answer = consume_hello(met.theirs.session, hello);
    REQUIRE(answer);
    const auto keys = consume_accept(met.ours.session, hello, answer->accept);
    REQUIRE(keys);
    CHECK(same(*keys, answer->keys));
    CHECK(add(keys->to_responder));
    CHECK(add(keys->to_initiator));
  }
}

TEST_CASE("a replayed HELLO is answered with other keys than before") {
  const Nodes nodes;
  const Met met = meet(nodes, kNow);
  const Hello hello = make_hello(met.ours.session);
  const auto first = consume_hello(met.theirs.session, hello);
  const auto second = consume_hello(met.theirs.session, hello);
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(same(first->keys, second->keys));
  // Without the session's secret the answer cannot be turned into keys.
  const Met other = meet(nodes, kNow);
  CHECK_FALSE(consume_accept(other.ours.session, hello, first->accept));
}

TEST_CASE("no bit of INIT can be changed") {
  const Nodes nodes;
  const auto attempt = InitAttempt::make(nodes.entry, nodes.exit.point);
  REQUIRE(attempt);
  REQUIRE(good_init(nodes.exit.point, attempt->bytes()));
  for (std::size_t bit = 0; bit < kInitBytes * 8; ++bit) {
    auto bytes = attempt->bytes();
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    CHECK_FALSE(good_init(nodes.exit.point, bytes));
    if (bit % 8 != 0 || bit / 8 == 0 || bit / 8 >= 97) continue;
    // Whoever knows our public key can make mac1 fit again: then the handshake itself must fail.
    INFO("byte " << bit / 8);
    CHECK_FALSE(consume_init(nodes.exit, bytes, kNow));
  }
}

TEST_CASE("no bit of RESP, HELLO and ACCEPT can be changed") {
  const Nodes nodes;
  const Met met = meet(nodes, kNow);
  const Hello hello = make_hello(met.ours.session);
  const auto answer = consume_hello(met.theirs.session, hello);
  REQUIRE(answer);
  for (std::size_t bit = 0; bit < kHelloBytes * 8; ++bit) {
    Hello bytes = hello;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    INFO("bit " << bit);
    CHECK_FALSE(consume_hello(met.theirs.session, bytes));
  }
  for (std::size_t bit = 0; bit < kAcceptBytes * 8; ++bit) {
    Accept bytes = answer->accept;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    INFO("bit " << bit);
    CHECK_FALSE(consume_accept(met.ours.session, hello, bytes));
  }
  for (std::size_t byte = 0; byte < kRespBytes; ++byte) {
    auto attempt = InitAttempt::make(nodes.entry, nodes.exit.point);
    auto made = consume_init(nodes.exit, attempt.value().bytes(), kNow);
    auto resp = made.value().resp;
    resp[byte] ^= 1;
    INFO("byte " << byte);
    CHECK_FALSE(attempt->consume_resp(resp, kNow));
  }
}

TEST_CASE("messages of any other size are nothing") {
  const Nodes nodes;
  const Met met = meet(nodes, kNow);
  const auto attempt = InitAttempt::make(nodes.entry, nodes.exit.point);
  const Hello hello = make_hello(met.ours.session);
  for (std::size_t size = 0; size < kInitBytes; ++size) {
    CHECK_FALSE(good_init(nodes.exit.point, ByteView(attempt.value().bytes()).first(size)));
  }
  for (std::size_t size = 0; size < kHelloBytes; ++size) {
    CHECK_FALSE(consume_hello(met.theirs.session, ByteView(hello).first(size)));
  }
}

TEST_CASE("INIT for one node is nothing to another") {
  const Nodes nodes;
  const auto attempt = InitAttempt::make(nodes.entry, nodes.exit.point);
  const KeyPair other = KeyPair::generate();
  CHECK_FALSE(good_init(other.point, attempt.value().bytes()));
  CHECK_FALSE(consume_init(other, attempt.value().bytes(), kNow));
}

TEST_CASE("a public key of low order makes no session") {
  const Nodes nodes;
  PublicKey zero;
  CHECK_FALSE(InitAttempt::make(nodes.entry, zero));
  PublicKey one;
  one.bytes[0] = 1;
  CHECK_FALSE(InitAttempt::make(nodes.entry, one));
}

}  // namespace arctic::test
