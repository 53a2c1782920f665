// What Tempest says of itself on its control socket: the answer to `status`.
//
// The daemon encodes it, `arctic status` decodes it. Counts are since the start of the process.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/artifact/control.h"
#include "schema/artifact/process_status.h"

namespace arctic {

struct TempestStatus {
  struct Peer {
    std::string name;
    std::string device;
    bool attached = false;  ///< the device is there, and ours
    std::string endpoint;   ///< where it was last; empty: not known
    bool has_session = false;
    std::optional<std::uint64_t> handshake_age_s;  ///< absent: there was none yet
    std::uint64_t sent_bytes = 0;                  ///< on the wire
    std::uint64_t received_bytes = 0;
    std::string last_error;  ///< empty: none
    friend bool operator==(const Peer&, const Peer&) = default;
  };
  /// What this kernel does for us; without it, datagrams and packets go one by one.
  struct Offloads {
    bool udp_send = false;     ///< UDP_SEGMENT
    bool udp_receive = false;  ///< UDP_GRO
    bool tun_tcp = false;      ///< TSO
    bool tun_udp = false;      ///< USO
    friend bool operator==(const Offloads&, const Offloads&) = default;
  };

  ProcessStatus process;
  std::vector<Peer> peers;
  Offloads offloads;
  std::string cipher;                            ///< whose code seals and opens: a library's name
  std::map<std::string, std::uint64_t> dropped;  ///< by reason; zeros are left out

  friend bool operator==(const TempestStatus&, const TempestStatus&) = default;
};

[[nodiscard]] std::string encode_answer(std::string_view id, const TempestStatus& status);
/// kConfig if the line is no answer of this kind.
[[nodiscard]] Result<ControlAnswer<TempestStatus>> decode_tempest_status_answer(
    std::string_view line);

}  // namespace arctic
