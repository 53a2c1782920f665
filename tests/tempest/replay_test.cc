// The replay window against its rules, and against a twin that remembers everything.
#include "runtime/tempest/replay.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "runtime/tempest/messages.h"

namespace arctic::test {

TEST_CASE("each counter once, late ones within the window, none beyond the last") {
  constexpr std::uint64_t kWindow = ReplayWindow::kWindow;
  constexpr std::uint64_t kEnd = limits::kRejectAfterMessages;
  struct Step {
    std::uint64_t counter;
    bool good;
  };
  const std::vector<std::vector<Step>> walks = {
      {{0, true}, {1, true}, {1, false}, {9, true}, {8, true}, {7, true}, {7, false}, {0, false}},
      {{kWindow, true}, {0, true}, {0, false}, {kWindow, false}},
      {{kWindow + 1, true}, {0, false}, {1, true}},
      {{2 * kWindow, true}, {kWindow, true}, {kWindow - 1, false}, {2 * kWindow - 63, true}},
      // A step over everything clears everything.
      {{5, true},
       {5 + 10 * ReplayWindow::kBits, true},
       {6 + 9 * ReplayWindow::kBits, false},
       {5 + 10 * ReplayWindow::kBits - kWindow, true}},
      {{kEnd, false}, {UINT64_MAX, false}, {kEnd - 1, true}, {kEnd - 1, false}, {kEnd - 2, true}},
      {{63, true}, {64, true}, {65, true}, {127, true}, {128, true}, {64, false}, {66, true}},
  };
  for (std::size_t walk = 0; walk < walks.size(); ++walk) {
    ReplayWindow window;
    for (std::size_t i = 0; i < walks[walk].size(); ++i) {
      INFO("walk " << walk << ", step " << i);
      CHECK(window.accept(walks[walk][i].counter) == walks[walk][i].good);
    }
  }
}

TEST_CASE("a million random counters are judged as by who remembers them all") {
  std::mt19937_64 random(3);
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t greatest = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const std::uint64_t jump = random() % 1000 == 0 ? random() % 20'000 : random() % 4;
    const std::uint64_t counter =
        random() % 3 == 0 ? greatest - std::min(greatest, random() % 9000) : greatest + jump;
    const bool late = counter + ReplayWindow::kWindow < greatest;
    const bool good = !late && seen.insert(counter).second;
    REQUIRE(window.accept(counter) == good);
    greatest = std::max(greatest, counter);
    if (seen.size() > 20'000) {
      seen.erase(seen.begin(),
                 seen.lower_bound(greatest - std::min<std::uint64_t>(greatest, 9000)));
    }
  }
}

}  // namespace arctic::test
