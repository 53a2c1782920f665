// One rate shared by many connections: a token bucket, and round robin in quanta among those that
// wait for it.
//
// One per limited service and direction, shared by the workers behind a lock of theirs. Integer
// arithmetic, time handed in; knows no thread and no socket. A connection has one request at a
// time, and bytes can be cut anywhere: so each turn is exactly a quantum, and the deficits that
// round robin over packets needs (Shreedhar and Varghese, 1995) are always zero.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "runtime/flow/token_bucket.h"

namespace arctic {

class FairQueue {
 public:
  using Time = TokenBucket::Time;
  using Flow = std::uint64_t;  ///< the caller's name of a connection

  FairQueue(std::uint64_t bytes_per_second, Time now);

  void set_rate(std::uint64_t bytes_per_second, Time now);

  /// Bytes that the flow may pass now, at most `wanted`; 0: it waits, and serve() will name it.
  /// REQUIRES: `wanted` > 0, and the flow does not wait already.
  [[nodiscard]] std::uint64_t ask(Flow flow, std::uint64_t wanted, Time now);
  /// The same for who does not want to wait.
  [[nodiscard]] std::uint64_t take_now(std::uint64_t wanted, Time now);
  /// Of what was granted, what was not used.
  void give_back(std::uint64_t bytes);
  /// The flow waits no more, and is forgotten.
  void leave(Flow flow);

  struct Grant {
    Flow flow = 0;
    std::uint64_t bytes = 0;
  };
  /// Whose turn it is, as far as there are tokens; they wait no more.
  [[nodiscard]] std::vector<Grant> serve(Time now);
  /// The limit is gone: everybody who waits gets what it wanted.
  [[nodiscard]] std::vector<Grant> release();
  /// How long until serve() will grant something; nullopt if nobody waits.
  [[nodiscard]] std::optional<Time> until_next(Time now);

  [[nodiscard]] std::size_t waiting() const { return order_.size(); }

 private:
  struct Waiter {
    Flow flow = 0;
    std::uint64_t wanted = 0;
  };
  /// What one flow gets in a turn: about a millisecond of the rate, so that a turn of many flows
  /// stays short and a fast rate is not cut into crumbs; of a slow one more, since each turn costs
  /// both nodes and both ends a wake-up.
  void set_quantum(std::uint64_t bytes_per_second);

  TokenBucket bucket_;
  std::uint64_t quantum_ = 0;
  std::deque<Waiter> order_;
};

}  // namespace arctic
