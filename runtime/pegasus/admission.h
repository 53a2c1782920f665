// How many tunnel connections may be open that have not shown yet who they are, and how often INIT
// may cost us public-key work.
//
// Asked by the listeners of all workers: thread-safe, without I/O, time handed in. Whatever an
// attacker does, its memory is bounded: sources without a connection are forgotten, and those of
// INIT are remembered for a quarter of a second. How long a connection may stay unconfirmed is the
// caller's to watch. A source is an IPv4 address or an IPv6 /64.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "schema/base/address.h"

namespace arctic {

class Admission {
 public:
  using Time = std::chrono::nanoseconds;  ///< on any clock that only goes forward

  static constexpr std::size_t kMostOfSource = 16;
  static constexpr std::size_t kMostOfPeer = 64;  ///< for the pools of all its workers
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kMostOfStrangers = kMost / 2;  ///< the rest is kept for peers
  static constexpr Time kInitInterval = std::chrono::milliseconds(50);    ///< of a source: 20/s
  static constexpr Time kAllInitInterval = std::chrono::milliseconds(2);  ///< of all: 500/s
  static constexpr int kInitBurst = 5;
  static constexpr int kAllInitBurst = 50;  ///< a tenth of a second

  /// The place of one unconfirmed connection; given back when it goes. Must not outlive Admission.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)),
          source_(other.source_),
          stranger_(other.stranger_) {}
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();

   private:
    friend class Admission;
    Ticket(Admission* of, const Address& source, bool stranger)
        : of_(of), source_(source), stranger_(stranger) {}
    Admission* of_;
    Address source_;
    bool stranger_;
  };

  struct Counts {
    std::uint64_t open = 0;
    std::uint64_t refused_source = 0;
    std::uint64_t refused_total = 0;
    std::uint64_t refused_init_source = 0;
    std::uint64_t refused_init_total = 0;
  };

  Admission() = default;
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// The addresses of the configured peers, from now on.
  void set_peers(std::span<const Address> addresses);

  /// nullopt: refuse the connection.
  [[nodiscard]] std::optional<Ticket> enter(const Address& from);
  /// False: close without a byte. Ask only for an INIT whose mac1 is right.
  [[nodiscard]] bool may_init(const Address& from, Time now);

  [[nodiscard]] Counts counts() const;
  /// Sources that are remembered now, for tests of the bound.
  [[nodiscard]] std::size_t remembered() const;

 private:
  void leave(const Address& source, bool stranger);

  mutable std::mutex mutex_;
  std::set<Address> peers_;              ///< sources
  std::map<Address, std::size_t> open_;  ///< by source; none is 0
  std::size_t strangers_ = 0;
  // When the next INIT would be exactly in time, were there no burst (ITU-T I.371's virtual
  // scheduling: one number a source).
  std::map<Address, Time> inits_;
  Time all_inits_ = Time::min();
  Counts counts_;
};

}  // namespace arctic
