// Many connections at one rate, on a hand-moved clock: the sum is exact, the shares are equal.
#include <catch2/catch.hpp>
#include <map>

#include "runtime/flow/fair_queue.h"

namespace arctic::test {
namespace {

using Time = FairQueue::Time;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Flows that always want more, until `end`.
class Crowd {
 public:
  Crowd(std::uint64_t rate, Time now) : queue(rate, now), now_(now) {}

  void join(FairQueue::Flow flow, std::uint64_t wanted = 256 * 1024) {
    wants_[flow] = wanted;
    ask(flow);
  }
  void leave(FairQueue::Flow flow) {
    wants_.erase(flow);
    queue.leave(flow);
  }
  void run_until(Time end) {
    while (now_ < end) {
      const auto wait = queue.until_next(now_);
      now_ = wait ? std::min(end, now_ + *wait) : end;
      for (const auto& grant : queue.serve(now_)) {
        passed[grant.flow] += grant.bytes;
        ask(grant.flow);
      }
    }
  }
  [[nodiscard]] std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const auto& [flow, bytes] : passed) sum += bytes;
    return sum;
  }

  FairQueue queue;
  std::map<FairQueue::Flow, std::uint64_t> passed;

 private:
  void ask(FairQueue::Flow flow) {
    while (wants_.count(flow) > 0) {
      const std::uint64_t granted = queue.ask(flow, wants_[flow], now_);
      if (granted == 0) return;
      passed[flow] += granted;
    }
  }
  Time now_;
  std::map<FairQueue::Flow, std::uint64_t> wants_;
};

double jain(const std::map<FairQueue::Flow, std::uint64_t>& passed) {
  double sum = 0;
  double squares = 0;
  for (const auto& [flow, bytes] : passed) {
    const auto value = static_cast<double>(bytes);
    sum += value;
    squares += value * value;
  }
  return sum * sum / (static_cast<double>(passed.size()) * squares);
}

}  // namespace

TEST_CASE("the sum is the rate, within a burst and a quantum") {
  for (const std::uint64_t rate : {1'250'000U, 12'500'000U, 125'000'000U}) {
    Crowd crowd(rate, seconds(0));
    for (FairQueue::Flow flow = 0; flow < 8; ++flow) crowd.join(flow);
    crowd.run_until(seconds(5));
    const double wanted = 5.0 * static_cast<double>(rate);
    INFO("rate " << rate << ", passed " << crowd.sum());
    CHECK(static_cast<double>(crowd.sum()) < wanted * 1.02);
    CHECK(static_cast<double>(crowd.sum()) > wanted * 0.98);
    CHECK(jain(crowd.passed) > 0.999);
  }
}

TEST_CASE("who asks for much gets no more than who asks for a quantum") {
  Crowd crowd(12'500'000, seconds(0));
  crowd.join(1, 16 * 1024);
  crowd.join(2, 256 * 1024);
  crowd.run_until(seconds(2));
  CHECK(jain(crowd.passed) > 0.999);
}

TEST_CASE("who asks for little gets all of it, and the others the rest") {
  Crowd crowd(1'250'000, seconds(0));
  crowd.join(1, 100);
  crowd.join(2);
  crowd.run_until(seconds(2));
  CHECK(crowd.passed[1] > 0);
  CHECK(crowd.passed[2] > crowd.passed[1]);
}

TEST_CASE("a newcomer has its share within a second") {
  Crowd crowd(1'250'000, seconds(0));
  for (FairQueue::Flow flow = 0; flow < 8; ++flow) crowd.join(flow);
  crowd.run_until(seconds(5));
  crowd.passed.clear();
  crowd.join(8);
  crowd.run_until(seconds(6));
  CHECK(jain(crowd.passed) > 0.98);
}

TEST_CASE("a flow that leaves is not waited for") {
  Crowd crowd(1'250'000, seconds(0));
  crowd.join(1);
  crowd.join(2);
  crowd.leave(1);
  crowd.passed.clear();
  crowd.run_until(seconds(2));
  CHECK(crowd.passed.count(1) == 0);
  CHECK(crowd.passed[2] > 2'300'000);
}

TEST_CASE("a new rate holds from its moment on") {
  Crowd crowd(1'250'000, seconds(0));
  crowd.join(1);
  crowd.run_until(seconds(1));
  crowd.passed.clear();
  crowd.queue.set_rate(12'500'000, seconds(1));
  crowd.run_until(seconds(2));
  CHECK(crowd.sum() > 12'200'000);
  CHECK(crowd.sum() < 12'700'000);
}

TEST_CASE("nobody waits: nothing is due") {
  FairQueue queue(1'000'000, seconds(0));
  CHECK_FALSE(queue.until_next(seconds(1)));
  CHECK(queue.serve(seconds(1)).empty());
  CHECK(queue.ask(1, 1000, seconds(1)) == 1000);
}

}  // namespace arctic::test
