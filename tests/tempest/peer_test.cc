// Two peers in memory: who says what when, over hours that pass in a moment.
#include "runtime/tempest/peer.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/tempest/two_peers.h"

namespace arctic::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Bytes packet(std::uint8_t first, std::size_t size = 64) { return Bytes(size, first); }

constexpr auto kInitiation = MessageType::kInitiation;
constexpr auto kResponse = MessageType::kResponse;
constexpr auto kData = MessageType::kData;

}  // namespace

TEST_CASE("the first packet makes a session and arrives by it") {
  TwoPeers world;
  world.a.send(packet(1));
  CHECK(world.a.came.empty());
  world.deliver();
  REQUIRE(world.b.came.size() == 1);
  CHECK(world.b.came[0] == packet(1));
  CHECK(world.sent(world.a, kInitiation) == 1);
  CHECK(world.sent(world.b, kResponse) == 1);

  // What came confirmed the session: the other end sends by it at once.
  world.b.send(packet(2));
  world.deliver();
  REQUIRE(world.a.came.size() == 1);
  CHECK(world.a.came[0] == packet(2));
  CHECK(world.sent(world.b, kInitiation) == 0);
}

TEST_CASE("packets that waited arrive in order; of too many the oldest go") {
  TwoPeers world;
  for (unsigned i = 0; i < limits::kMostStaged + 3; ++i) {
    world.a.send(packet(static_cast<std::uint8_t>(i), 32));
  }
  world.deliver();
  REQUIRE(world.b.came.size() == limits::kMostStaged);
  for (std::size_t i = 0; i < world.b.came.size(); ++i) CHECK(world.b.came[i][0] == i + 3);
  CHECK(world.a.peer->facts(world.now).dropped_staged == 3);
}

TEST_CASE("an initiator without data confirms with an empty packet") {
  TwoPeers world;
  TunnelPeer::Actions actions;
  world.a.peer->initiate(world.now, actions);
  world.a.take(std::move(actions));
  world.deliver();
  CHECK(world.b.empty_came == 1);
  CHECK(world.b.peer->facts(world.now).has_session);
}

TEST_CASE("packets are padded to 16 bytes, but not over the MTU") {
  for (const auto& [size, wanted] : std::map<std::size_t, std::size_t>{
           {0, 0}, {1, 16}, {16, 16}, {17, 32}, {1408, 1408}, {1409, 1420}, {1420, 1420}}) {
    CHECK(data::padded(size, 1420) == wanted);
  }
  CHECK(data::padded(1421, 1420) == 1424);  // of a device whose MTU has just shrunk
}

TEST_CASE("an empty packet is 32 bytes on the wire") {
  TwoPeers world;
  world.a.send(packet(1));
  world.deliver();
  TunnelPeer::Actions actions;
  world.a.peer->keep_alive(world.now, actions);
  REQUIRE(actions.datagrams.size() == 1);
  CHECK(actions.datagrams[0].size() == data::kOverhead);
}

TEST_CASE("24 rekeys under steady traffic lose nothing, and there is one every two minutes") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  const seconds step{1};
  unsigned sent = 1;
  for (seconds time{0}; time < 24 * limits::kRekeyAfterTime + seconds(30); time += step) {
    world.pass(step);
    world.a.send(packet(1));
    world.deliver();
    world.b.send(packet(2));
    world.deliver();
    ++sent;
  }
  CHECK(world.b.came.size() == sent);
  CHECK(world.a.came.size() == sent - 1);
  const unsigned made = world.sent(world.a, kInitiation) + world.sent(world.b, kInitiation);
  CHECK(made == 1 + 24);
  CHECK(world.sent(world.b, kInitiation) == 0);  // whoever began goes on
  CHECK(world.a.local->indices->size() <= 3);
  CHECK(world.b.local->indices->size() <= 3);
}

TEST_CASE("a rekey that is lost is tried again, and meanwhile the old keys carry on") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  unsigned lost = 0;
  world.loses = [&](const End&, const Bytes& datagram) { return datagram[0] == 2 && ++lost <= 3; };
  unsigned sent = 1;
  for (int i = 0; i < 200; ++i) {
    world.pass(seconds(1));
    world.a.send(packet(1));
    world.deliver();
    ++sent;
  }
  CHECK(lost == 4);
  CHECK(world.b.came.size() == sent);
}

TEST_CASE("who only receives renews the session shortly before its end") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  // The responder alone talks: it may not ask for a session by its age.
  for (int i = 0; i < 164; ++i) {
    world.pass(seconds(1));
    world.b.send(packet(2));
    world.deliver();
  }
  CHECK(world.sent(world.a, kInitiation) == 1 + 1);  // its keepalives count as sent, at 120 s
  CHECK(world.a.came.size() == 164);
}

TEST_CASE("who hears something shortly before the end of the keys makes new ones at once") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  world.pass(seconds(160));
  world.b.send(packet(1));
  world.deliver();
  CHECK(world.sent(world.a, kInitiation) == 1);
  world.pass(seconds(6));
  world.b.send(packet(2));
  world.deliver();
  CHECK(world.sent(world.a, kInitiation) == 2);
  CHECK(world.a.came.size() == 2);
}

TEST_CASE("who answers with data needs no empty packet") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  world.pass(seconds(5));
  world.b.send(packet(1));
  world.deliver();
  world.pass(seconds(8));
  CHECK(world.a.empty_came == 0);
  world.pass(seconds(3));
  CHECK(world.b.empty_came == 1);
}

TEST_CASE("silence: an answer within ten seconds, a new session after fifteen without one") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  const unsigned before = world.sent(world.b, kData);
  world.pass(seconds(9));
  CHECK(world.sent(world.b, kData) == before);
  world.pass(seconds(2));
  CHECK(world.sent(world.b, kData) == before + 1);
  CHECK(world.a.empty_came == 1);
  CHECK(world.sent(world.a, kInitiation) == 1);

  world.loses = [](const End& from, const Bytes&) { return from.name() == "b"; };
  world.a.send(packet(1));
  world.deliver();
  world.pass(seconds(15));
  CHECK(world.sent(world.a, kInitiation) == 1);
  world.pass(seconds(1));
  CHECK(world.sent(world.a, kInitiation) == 2);
}

TEST_CASE("nobody answers: a try every five seconds for ninety, then what waited is given up") {
  TwoPeers world;
  world.loses = [](const End&, const Bytes&) { return true; };
  world.a.send(packet(7));
  world.deliver();
  world.pass(seconds(89));
  const unsigned tries = world.sent(world.a, kInitiation);
  CHECK(tries >= 17);
  CHECK(tries <= 18);
  CHECK(world.a.undeliverable.empty());
  world.pass(seconds(10));
  REQUIRE(world.a.undeliverable.size() == 1);
  CHECK(world.a.undeliverable[0] == packet(7));
  CHECK(world.a.local->indices->size() == 0);
  const unsigned end = world.sent(world.a, kInitiation);
  world.pass(minutes(5));
  CHECK(world.sent(world.a, kInitiation) == end);
  CHECK(world.a.peer->facts(world.now).unanswered == end);

  // Another packet begins anew.
  world.loses = [](const End&, const Bytes&) { return false; };
  world.a.send(packet(8));
  world.deliver();
  CHECK(world.b.came.size() == 1);
  CHECK(world.a.peer->facts(world.now).unanswered == 0);
}

TEST_CASE("keys are gone after nine minutes without a new session") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  CHECK(world.a.local->indices->size() == 1);
  world.loses = [](const End&, const Bytes&) { return true; };
  world.pass(3 * limits::kRejectAfterTime + seconds(200));
  CHECK(world.a.local->indices->size() == 0);
  CHECK(world.b.local->indices->size() == 0);
}

TEST_CASE("keys that are too old neither send nor receive") {
  TwoPeers world;
  world.a.send(packet(0));
  world.deliver();
  Bytes late(64 + data::kOverhead);
  auto way = world.a.peer->way(world.now);
  REQUIRE(way);
  way->session->seal(0, way->session->take_counters(1).value(), late);
  world.loses = [](const End&, const Bytes&) { return true; };
  world.pass(limits::kRejectAfterTime);
  CHECK_FALSE(world.a.peer->way(world.now));
  CHECK(world.b.receive(late, world.a.where) == Drop::kExpired);
}

TEST_CASE("a persistent keepalive goes at once and then every interval; zero ends it") {
  TwoPeers world;
  world.a.peer->set_keepalive(seconds(25), world.now);
  world.a.tend_if_due();
  world.deliver();
  CHECK(world.sent(world.a, kInitiation) == 1);
  CHECK(world.b.empty_came == 1);
  world.pass(seconds(100));
  CHECK(world.b.empty_came == 5);
  world.a.peer->set_keepalive(seconds(0), world.now);
  world.pass(seconds(100));
  CHECK(world.b.empty_came == 5);
}

TEST_CASE("both begin at once: both sessions work, and one is left to be used") {
  TwoPeers world;
  world.a.send(packet(1));
  world.b.send(packet(2));
  world.deliver();
  CHECK(world.b.came.size() == 1);
  CHECK(world.a.came.size() == 1);
  for (int i = 0; i < 20; ++i) {
    world.pass(seconds(1));
    world.a.send(packet(3));
    world.b.send(packet(4));
    world.deliver();
  }
  CHECK(world.b.came.size() == 21);
  CHECK(world.a.came.size() == 21);
}

TEST_CASE("who restarts is known again at once, though its old sessions are not") {
  TwoPeers world;
  world.a.send(packet(1));
  world.deliver();
  world.b.send(packet(2));
  world.deliver();
  TunnelPeer::Actions actions;
  world.b.peer->reset(actions);
  CHECK(actions.retired);
  CHECK(world.b.local->indices->size() == 0);
  world.a.send(packet(3));
  CHECK(world.b.receive(world.a.out.front(), world.a.where) == Drop::kUnknownIndex);
  world.a.out.clear();
  world.pass(seconds(1));
  world.b.send(packet(4));
  world.deliver();
  CHECK(world.a.came.back() == packet(4));
}

TEST_CASE("a handshake message that was seen opens nothing when it comes again") {
  TwoPeers world;
  world.a.send(packet(1));
  const Bytes call = world.a.out.front();
  world.deliver();
  world.pass(seconds(30));
  CHECK(world.b.receive(call, world.a.where) == Drop::kOldHandshake);
  CHECK(world.b.out.empty());
  CHECK(world.b.peer->facts(world.now).has_session);
}

TEST_CASE("a second initiation within twenty milliseconds is not answered") {
  TwoPeers world;
  world.a.send(packet(1));
  const auto twice = [&](milliseconds after) {
    world.now += after;
    TunnelPeer::Actions actions;
    world.a.peer->reset(actions);
    world.a.peer->initiate(world.now, actions);
    return world.b.receive(actions.datagrams.at(0), world.a.where);
  };
  CHECK(twice(milliseconds(0)) == std::nullopt);
  CHECK(twice(milliseconds(19)) == Drop::kOldHandshake);
  CHECK(twice(milliseconds(1)) == std::nullopt);
}

TEST_CASE("a peer is sent to where it last was, as soon as that is proven") {
  TwoPeers world;
  world.a.send(packet(1));
  world.deliver();
  const PeerEndpoint elsewhere{{{Family::kIpv6, U128{0x2001} << 112 | 5}, 7}, 0, {}};
  world.a.send(packet(2));
  Bytes forged = world.a.out.front();
  forged.back() ^= 1;
  CHECK(world.b.receive(forged, elsewhere) == Drop::kForgedData);
  CHECK(world.b.peer->endpoint() == world.a.where);
  CHECK(world.b.receive(world.a.out.front(), elsewhere) == std::nullopt);
  CHECK(world.b.peer->endpoint() == elsewhere);
  CHECK(world.b.receive(world.a.out.front(), world.a.where) == Drop::kReplayed);
  CHECK(world.b.peer->endpoint() == elsewhere);
}

TEST_CASE("another pre-shared key at one end: no session, and the same at both makes one") {
  TwoPeers world;
  Key psk(Bytes(32, 9));
  world.a.peer->set_psk(psk);
  world.a.send(packet(1));
  world.deliver();
  CHECK(world.b.came.empty());
  world.b.peer->set_psk(psk);
  world.pass(seconds(6));
  CHECK(world.b.came.size() == 1);
}

TEST_CASE("without an endpoint nothing goes, and the first that comes tells it") {
  TwoPeers world;
  End stranger("c", 3);
  stranger.now = &world.now;
  stranger.peer = stranger.roster->add(world.a.local->own.point, 0);
  world.a.peer = world.a.roster->add(stranger.local->own.point, 0);
  TunnelPeer::Actions actions;
  stranger.peer->initiate(world.now, actions);
  CHECK(actions.datagrams.empty());
  CHECK(stranger.local->indices->size() == 0);
  world.a.peer->set_endpoint(stranger.where);
  world.a.peer->initiate(world.now, actions);
  REQUIRE(actions.datagrams.size() == 1);
  CHECK(stranger.receive(actions.datagrams[0], world.a.where) == std::nullopt);
  CHECK(stranger.peer->endpoint() == world.a.where);
}

TEST_CASE("a stranger's handshake is good for nothing, though it is a handshake") {
  TwoPeers world;
  End stranger("c", 3);
  stranger.now = &world.now;
  stranger.know(world.b);
  stranger.send(packet(1));
  REQUIRE(stranger.out.size() == 1);
  CHECK(world.b.receive(stranger.out.front(), stranger.where) == Drop::kUnknownPeer);
  CHECK(world.b.out.empty());
  CHECK(world.b.local->indices->size() == 0);
  CHECK(world.b.roster->all().size() == 1);
}

TEST_CASE("under load the address must be shown before a handshake costs anything") {
  TwoPeers world;
  world.b.loaded = true;
  world.a.send(packet(1));
  world.deliver();
  CHECK(world.b.came.empty());
  CHECK(world.sent(world.b, MessageType::kCookieReply) == 1);
  world.pass(seconds(6));
  CHECK(world.b.came.size() == 1);
  CHECK(world.sent(world.b, MessageType::kCookieReply) == 1);
}

TEST_CASE("every bit of every handshake message counts, and what is broken changes nothing") {
  for (const int which : {0, 1, 2}) {
    TwoPeers world;
    world.b.loaded = which == 2;
    world.a.send(packet(1));
    End& from = which == 0 ? world.a : world.b;
    End& to = which == 0 ? world.b : world.a;
    if (which != 0) {
      const Bytes call = world.a.out.front();
      world.a.out.clear();
      (void)world.b.receive(call, world.a.where);
    }
    const Bytes good = from.out.front();
    from.out.clear();
    const std::size_t indices = to.local->indices->size();
    // mac2 is nobody's business while there is no load, and of a cookie reply there is none.
    const std::size_t size = which == 2 ? good.size() : good.size() - kMacBytes;
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      INFO("message " << which << ", bit " << bit);
      REQUIRE(to.receive(bad, from.where) != std::nullopt);
    }
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
      REQUIRE(to.receive(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut)),
                         from.where) == Drop::kNoMessage);
    }
    CHECK(to.out.empty());
    CHECK(to.local->indices->size() == indices);
    CHECK(to.receive(good, from.where) == std::nullopt);
  }
}

TEST_CASE("loss, repetition and disorder: each packet arrives at most once, and most do") {
  TwoPeers world;
  std::mt19937 random(7);
  world.a.send(packet(0));
  world.deliver();
  std::vector<Bytes> flying;
  unsigned sent = 0;
  unsigned good = 0;
  for (int i = 0; i < 20'000; ++i) {
    world.a.send(packet(static_cast<std::uint8_t>(i), 16));
    if (world.a.out.empty()) continue;
    flying.push_back(world.a.out.back());
    world.a.out.clear();
    ++sent;
    if (flying.size() < 50) continue;
    const std::size_t pick = random() % flying.size();
    Bytes one = flying[pick];
    if (random() % 4 != 0) flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(pick));
    if (world.b.receive(one, world.a.where) == std::nullopt) ++good;
  }
  CHECK(good <= sent);
  CHECK(world.b.came.size() == good + 1);
  CHECK(good > sent / 2);
}

}  // namespace arctic::test
