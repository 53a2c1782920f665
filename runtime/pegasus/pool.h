// How many tunnel connections to keep ready for a peer, when to dial, and how long one may be used.
//
// One per peer and worker, asked by the worker. Pure: time and chance are handed in, the
// connections themselves are the worker's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace arctic {

class PoolPolicy {
 public:
  using Time = std::chrono::nanoseconds;

  static constexpr std::size_t kFewest = 2;
  static constexpr std::size_t kMost = 128;
  /// At once; it begins lower, grows with each success, and is halved when the peer has too many.
  static constexpr std::size_t kMostDialling = 16;

  /// A client's connection wants a link.
  void opening(Time now) { openings_.add(now); }
  /// A link is idle again after its connection.
  void came_back(Time now) { returns_.add(now); }
  /// How many may be wanted before another could be dialled, by the openings of late: kFewest to
  /// kMost.
  [[nodiscard]] std::size_t wanted(Time now) const;

  /// How many dials to begin now. Those that come back need no replacement: if all of late did,
  /// what is wanted is dialled once less than half of it is ready or coming; if none did, at once.
  /// 0 before may_dial_at().
  [[nodiscard]] std::size_t dials(std::size_t idle, std::size_t dialling, std::size_t waiting,
                                  Time now) const;

  // ---- Back off: from 100 ms doubling to 2 s, each time less up to half of it by `chance`. Dials
  // that fail together count once. ----

  void succeeded();
  void failed(Time now, std::uint32_t chance);
  /// The peer is there, but reset a dial before it was greeted: fewer at once.
  void overloaded(Time now, std::uint32_t chance);
  [[nodiscard]] Time may_dial_at() const { return may_dial_at_; }
  [[nodiscard]] bool failing() const { return failures_ > 0; }

 private:
  /// Events of late, each counting less by the time.
  class Recent {
   public:
    void add(Time now);
    [[nodiscard]] double count(Time now) const;

   private:
    double count_ = 0;
    Time counted_at_{};
  };
  [[nodiscard]] std::size_t enough(Time now) const;

  Recent openings_;
  Recent returns_;
  std::size_t most_dialling_ = 4;
  unsigned failures_ = 0;
  Time may_dial_at_{};
};

/// The listening end closes what was idle for kIdleTime, or is older than kOldest and idle. So that
/// no OPEN meets a close on its way, the dialling end uses none that is near to it, and keeps those
/// of the floor alive by asking after kAskAfter.
namespace link_life {
inline constexpr std::chrono::seconds kAskAfter{20};
inline constexpr std::chrono::seconds kUseIdle{45};
inline constexpr std::chrono::seconds kIdleTime{60};
/// A connection that has sent no more has left nothing behind on its link: the socket at the other
/// end takes that much at once, whether anybody reads there or not.
inline constexpr std::uint64_t kSurelyTaken = std::uint64_t{16} * 1024;
/// How long whoever reads there may take for more.
inline constexpr std::chrono::minutes kSlowest{10};
inline constexpr std::chrono::seconds kUseOld{585};
inline constexpr std::chrono::seconds kOldest{600};
}  // namespace link_life

}  // namespace arctic
