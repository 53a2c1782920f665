// Limits before a peer is known: whatever comes, and from how many, peers get in and memory stays.
#include "runtime/pegasus/admission.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace arctic::test {
namespace {

using Ticket = Admission::Ticket;
using std::chrono::milliseconds;
using std::chrono::seconds;

Address address(const std::string& text) { return *parse_address(text); }

/// The n-th of many sources, of the two families by turns; /64s apart.
Address source(unsigned n) {
  if (n % 2 == 0) return {Family::kIpv4, U128{0x0a000000U + n}};
  return {Family::kIpv6, U128{0x20010db8} << 96 | U128{n} << 64 | n};
}

}  // namespace

TEST_CASE("sixteen of a source, until one leaves") {
  for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
    Admission admission;
    std::vector<Ticket> tickets;
    for (int i = 0; i < 16; ++i) {
      auto ticket = admission.enter(address(text));
      REQUIRE(ticket);
      tickets.push_back(std::move(*ticket));
    }
    CHECK_FALSE(admission.enter(address(text)));
    CHECK(admission.counts().refused_source == 1);
    CHECK(admission.counts().open == 16);
    tickets.pop_back();
    CHECK(admission.enter(address(text)));  // and leaves at once
    CHECK(admission.counts().open == 15);
    tickets.clear();
    CHECK(admission.counts().open == 0);
    CHECK(admission.remembered() == 0);
  }
}

TEST_CASE("an IPv6 source is a /64, an IPv4 one an address") {
  Admission admission;
  std::vector<Ticket> tickets;
  for (int i = 0; i < 16; ++i) {
    auto ticket = admission.enter(address("2001:db8:0:1::" + std::to_string(i)));
    REQUIRE(ticket);
    tickets.push_back(std::move(*ticket));
  }
  CHECK_FALSE(admission.enter(address("2001:db8:0:1:ffff::")));
  CHECK(admission.enter(address("2001:db8:0:2::")));
  CHECK(admission.enter(address("192.0.2.1")));
  CHECK(admission.enter(address("192.0.2.2")));
}

TEST_CASE("ten thousand from many sources leave the peers' half free") {
  Admission admission;
  const std::vector<Address> peers = {address("198.51.100.1"), address("2001:db8:aaaa::1")};
  admission.set_peers(peers);
  std::vector<Ticket> strangers;
  for (unsigned i = 0; i < 10'000; ++i) {
    if (auto ticket = admission.enter(source(i))) strangers.push_back(std::move(*ticket));
  }
  CHECK(strangers.size() == Admission::kMostOfStrangers);
  CHECK(admission.counts().refused_total == 10'000 - Admission::kMostOfStrangers);
  CHECK(admission.remembered() == Admission::kMostOfStrangers);
  std::vector<Ticket> ours;
  for (const Address& peer : peers) {
    for (std::size_t i = 0; i < Admission::kMostOfPeer; ++i) {
      auto ticket = admission.enter(peer);
      REQUIRE(ticket);
      ours.push_back(std::move(*ticket));
    }
    CHECK_FALSE(admission.enter(peer));
  }
  strangers.pop_back();
  CHECK(admission.enter(source(1'000'000)));
}

TEST_CASE("peers may use all of it, and then it is full for everybody") {
  Admission admission;
  std::vector<Address> peers;
  for (unsigned i = 0; i < 100; ++i) peers.push_back(source(i));
  admission.set_peers(peers);
  std::vector<Ticket> tickets;
  for (int round = 0; round < 16; ++round) {
    for (const Address& peer : peers) {
      if (auto ticket = admission.enter(peer)) tickets.push_back(std::move(*ticket));
    }
  }
  CHECK(tickets.size() == Admission::kMost);
  CHECK_FALSE(admission.enter(source(5000)));
  // Strangers have no place of their own where peers fill it.
  tickets.pop_back();
  CHECK(admission.enter(source(5000)));
}

TEST_CASE("a peer that is none any more keeps its places until it leaves them") {
  Admission admission;
  const std::vector<Address> peers = {address("198.51.100.1")};
  admission.set_peers(peers);
  auto ticket = admission.enter(peers[0]);
  admission.set_peers({});
  std::vector<Ticket> strangers;
  for (unsigned i = 0; i < 2000; ++i) {
    if (auto one = admission.enter(source(i))) strangers.push_back(std::move(*one));
  }
  CHECK(strangers.size() == Admission::kMostOfStrangers);
  ticket.reset();
  CHECK_FALSE(admission.enter(source(3000)));
  strangers.clear();
  CHECK(admission.counts().open == 0);
}

TEST_CASE("tickets that move count once") {
  Admission admission;
  auto first = admission.enter(source(0));
  auto second = admission.enter(source(1));
  REQUIRE(first);
  REQUIRE(second);
  Ticket moved = std::move(*first);
  CHECK(admission.counts().open == 2);
  moved = std::move(*second);
  second.reset();
  first.reset();
  CHECK(admission.counts().open == 1);
}

TEST_CASE("INIT of a source: five at once, then twenty a second") {
  Admission admission;
  seconds start{1000};
  for (int i = 0; i < 5; ++i) CHECK(admission.may_init(source(1), start));
  CHECK_FALSE(admission.may_init(source(1), start));
  CHECK_FALSE(admission.may_init(source(1), start + milliseconds(49)));
  CHECK(admission.may_init(source(1), start + milliseconds(50)));
  CHECK_FALSE(admission.may_init(source(1), start + milliseconds(99)));
  CHECK(admission.may_init(source(2), start));
  CHECK(admission.counts().refused_init_source == 3);
  // Over ten seconds of trying all the time.
  int taken = 0;
  for (milliseconds now{20'000'000}; now < milliseconds(20'010'000); now += milliseconds(1)) {
    taken += admission.may_init(source(3), now) ? 1 : 0;
  }
  CHECK(taken == 5 + 199);
}

TEST_CASE(
    "INIT of all: five hundred a second, from a hundred thousand sources, in bounded memory") {
  Admission admission;
  int taken = 0;
  std::size_t most = 0;
  unsigned n = 0;
  for (milliseconds now{1000}; now < milliseconds(11'000); now += milliseconds(1)) {
    for (int i = 0; i < 10; ++i) taken += admission.may_init(source(n++), now) ? 1 : 0;
    most = std::max(most, admission.remembered());
  }
  CHECK(n == 100'000);
  CHECK(taken == Admission::kAllInitBurst + 4999);
  CHECK(admission.counts().refused_init_total == n - static_cast<unsigned>(taken));
  CHECK(most <= 512);
}

TEST_CASE("one source that floods leaves INIT to the others") {
  Admission admission;
  int others = 0;
  for (milliseconds now{1000}; now < milliseconds(2000); now += milliseconds(1)) {
    for (int i = 0; i < 100; ++i) (void)admission.may_init(source(1), now);
    if (now.count() % 10 == 0) others += admission.may_init(source(3), now) ? 1 : 0;
  }
  CHECK(others == 5 + 19);
}

TEST_CASE("many threads end where they began") {
  Admission admission;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&admission, t] {
      std::minstd_rand random(t + 1);
      std::vector<Ticket> held;
      for (int i = 0; i < 20'000; ++i) {
        if (random() % 2 == 0) {
          if (auto ticket = admission.enter(source(static_cast<unsigned>(random() % 64)))) {
            held.push_back(std::move(*ticket));
          }
        } else if (!held.empty()) {
          held.pop_back();
        }
        (void)admission.may_init(source(t), milliseconds(i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(admission.counts().open == 0);
  CHECK_FALSE(admission.counts().refused_init_source == 0);
}

}  // namespace arctic::test
