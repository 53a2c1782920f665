// Sessions over their lives, with a clock moved by hand: used, renewed, kept, wiped.
#include "runtime/pegasus/sessions.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "tests/pegasus/peers.h"

namespace arctic::test {
namespace {

using std::chrono::seconds;
constexpr Time kNow = seconds(1000);
constexpr Time kTick{1};

SessionHandle session(const PublicKey& remote, Time born, std::uint8_t id = 1) {
  auto made = std::make_shared<Session>();
  made->id.fill(id);
  made->remote = remote;
  made->born = born;
  return made;
}

PublicKey key(std::uint8_t number) {
  PublicKey made;
  made.bytes.fill(number);
  return made;
}

}  // namespace

TEST_CASE("our session is used for 120 s, and renewed from 100 s on") {
  Sessions sessions(KeyPair::generate());
  CHECK(sessions.with(key(1), kNow) == nullptr);
  CHECK(sessions.begin(key(1), kNow));
  const auto ours = session(key(1), kNow);
  sessions.add_ours(ours);
  sessions.done(key(1));
  CHECK(sessions.with(key(1), kNow) == ours);
  CHECK(sessions.with(key(2), kNow) == nullptr);
  CHECK_FALSE(sessions.begin(key(1), kNow + seconds(100) - kTick));
  CHECK(sessions.begin(key(1), kNow + seconds(100)));
  CHECK(sessions.with(key(1), kNow + seconds(120) - kTick) == ours);
  CHECK(sessions.with(key(1), kNow + seconds(120)) == nullptr);
  const auto next = session(key(1), kNow + seconds(101), 2);
  sessions.add_ours(next);
  sessions.done(key(1));
  CHECK(sessions.with(key(1), kNow + seconds(110)) == next);
  CHECK_FALSE(sessions.begin(key(1), kNow + seconds(110)));
}

TEST_CASE("one at a time begins a session with a peer") {
  Sessions sessions(KeyPair::generate());
  CHECK(sessions.begin(key(1), kNow));
  CHECK_FALSE(sessions.begin(key(1), kNow));
  CHECK(sessions.begin(key(2), kNow));
  sessions.done(key(1));
  CHECK(sessions.begin(key(1), kNow));
  // Also of many threads.
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> began{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { began += sessions.begin(key(3), kNow) ? 1 : 0; });
    }
    for (auto& thread : threads) thread.join();
    CHECK(began == 1);
    sessions.done(key(3));
  }
}

TEST_CASE("a peer's session is known for 180 s, and nobody keeps it longer") {
  Sessions sessions(KeyPair::generate());
  auto theirs = session(key(1), kNow);
  const SessionId id = theirs->id;
  const std::weak_ptr<const Session> seen = theirs;
  sessions.add_theirs(std::move(theirs));
  CHECK(sessions.by_id(id, kNow + seconds(180) - kTick) == seen.lock());
  CHECK(sessions.by_id(id, kNow + seconds(180)) == nullptr);
  SessionId other = id;
  other[15] ^= 1;
  CHECK(sessions.by_id(other, kNow) == nullptr);
  sessions.forget_old(kNow + seconds(180) - kTick);
  CHECK_FALSE(seen.expired());
  sessions.forget_old(kNow + seconds(180));
  CHECK(seen.expired());
}

TEST_CASE("ours goes after 120 s, without anybody asking for it") {
  Sessions sessions(KeyPair::generate());
  auto ours = session(key(1), kNow);
  const std::weak_ptr<const Session> seen = ours;
  sessions.add_ours(std::move(ours));
  sessions.forget_old(kNow + seconds(120) - kTick);
  CHECK_FALSE(seen.expired());
  sessions.forget_old(kNow + seconds(120));
  CHECK(seen.expired());
}

TEST_CASE("adding one wipes what has become too old") {
  Sessions sessions(KeyPair::generate());
  auto ours = session(key(1), kNow);
  auto theirs = session(key(1), kNow, 2);
  const std::weak_ptr<const Session> seen_ours = ours, seen_theirs = theirs;
  sessions.add_ours(std::move(ours));
  sessions.add_theirs(std::move(theirs));
  sessions.add_theirs(session(key(2), kNow + seconds(120), 3));
  CHECK(seen_ours.expired());
  CHECK_FALSE(seen_theirs.expired());
  sessions.add_ours(session(key(2), kNow + seconds(180), 4));
  CHECK(seen_theirs.expired());
}

TEST_CASE("a session that is in use lives until it is let go") {
  Sessions sessions(KeyPair::generate());
  sessions.add_theirs(session(key(1), kNow));
  SessionHandle used = sessions.by_id(session(key(1), kNow)->id, kNow);
  REQUIRE(used);
  const std::weak_ptr<const Session> seen = used;
  sessions.keep_only({});
  CHECK_FALSE(seen.expired());
  used.reset();
  CHECK(seen.expired());
}

TEST_CASE("what belongs to peers that are gone goes; others keep theirs") {
  Sessions sessions(KeyPair::generate());
  sessions.add_ours(session(key(1), kNow, 1));
  sessions.add_ours(session(key(2), kNow, 2));
  sessions.add_theirs(session(key(1), kNow, 3));
  sessions.add_theirs(session(key(2), kNow, 4));
  sessions.keep_only({key(2), key(7)});
  CHECK(sessions.with(key(1), kNow) == nullptr);
  CHECK(sessions.with(key(2), kNow) != nullptr);
  CHECK(sessions.by_id(session(key(1), kNow, 3)->id, kNow) == nullptr);
  CHECK(sessions.by_id(session(key(2), kNow, 4)->id, kNow) != nullptr);
}

TEST_CASE("a peer that does not know our session makes us drop that one, and no newer one") {
  Sessions sessions(KeyPair::generate());
  const auto old = session(key(1), kNow, 1);
  sessions.add_ours(old);
  const auto next = session(key(1), kNow + seconds(1), 2);
  sessions.add_ours(next);
  sessions.drop_ours(old);
  CHECK(sessions.with(key(1), kNow + seconds(1)) == next);
  sessions.drop_ours(next);
  CHECK(sessions.with(key(1), kNow + seconds(1)) == nullptr);
  CHECK(sessions.begin(key(1), kNow + seconds(1)));
}

TEST_CASE("the peer's newer session leaves its older one alone") {
  // Connections of the older one are still being dialled.
  Sessions sessions(KeyPair::generate());
  sessions.add_theirs(session(key(1), kNow, 1));
  sessions.add_theirs(session(key(1), kNow + seconds(100), 2));
  CHECK(sessions.by_id(session(key(1), kNow, 1)->id, kNow + seconds(101)) != nullptr);
  CHECK(sessions.by_id(session(key(1), kNow, 2)->id, kNow + seconds(101)) != nullptr);
}

}  // namespace arctic::test
