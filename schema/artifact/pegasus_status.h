// What Pegasus says of itself on its control socket: the answer to `status`.
//
// The daemon encodes it, `arctic status` decodes it. Bytes and connections are counted since the
// start of the process, at entry and exit alike: `sent` goes from the client to the destination,
// `received` comes back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/artifact/control.h"
#include "schema/artifact/pegasus_config.h"
#include "schema/artifact/process_status.h"

namespace arctic {

/// How many of a kind were at most each bound, and how many beyond the last.
struct Histogram {
  std::vector<std::uint64_t> bounds;  ///< rising
  std::vector<std::uint64_t> counts;  ///< each for itself; one more than bounds
  std::uint64_t sum = 0;              ///< of all values
  friend bool operator==(const Histogram&, const Histogram&) = default;
};

struct PegasusStatus {
  struct Service {
    std::string service;
    std::string id;
    PegasusConfig::Role role = PegasusConfig::Role::kEntry;
    std::string peer;
    Transport transport = Transport::kTcp;
    std::uint32_t limit_mbps = 0;
    std::uint64_t open = 0;  ///< connections
    std::uint64_t total = 0;
    std::uint64_t refused = 0;
    std::uint64_t sent = 0;  ///< bytes
    std::uint64_t received = 0;
    std::uint64_t waits = 0;  ///< times that the limit made somebody wait
    Histogram connect_ms;
    friend bool operator==(const Service&, const Service&) = default;
  };
  enum class PeerState : std::uint8_t { kUp, kDown, kIdle };
  struct Peer {
    std::string name;
    std::string endpoint;  ///< empty: it dials us
    PeerState state = PeerState::kIdle;
    std::uint64_t links_idle = 0;
    std::uint64_t links_busy = 0;
    std::uint64_t handshakes = 0;
    std::string last_error;               ///< empty: none
    std::optional<std::uint64_t> rtt_us;  ///< absent: not measured
    std::uint64_t retransmits = 0;
    friend bool operator==(const Peer&, const Peer&) = default;
  };
  /// Tunnel connections that have not shown yet who they are.
  struct Unconfirmed {
    std::uint64_t open = 0;
    std::uint64_t refused_source = 0;  ///< too many from one source
    std::uint64_t refused_total = 0;
    std::uint64_t refused_init_source = 0;  ///< INIT too often
    std::uint64_t refused_init_total = 0;
    friend bool operator==(const Unconfirmed&, const Unconfirmed&) = default;
  };

  ProcessStatus process;
  std::vector<Service> services;
  std::vector<Peer> peers;
  Unconfirmed unconfirmed;

  friend bool operator==(const PegasusStatus&, const PegasusStatus&) = default;
};

/// "up", "down", "idle".
[[nodiscard]] const char* to_string(PegasusStatus::PeerState state);

[[nodiscard]] std::string encode_answer(std::string_view id, const PegasusStatus& status);
/// kConfig if the line is no answer of this kind.
[[nodiscard]] Result<ControlAnswer<PegasusStatus>> decode_status_answer(std::string_view line);

}  // namespace arctic
