// pegasus.json: what the Pegasus runtime of one node loads. Encode and decode stand side by side.
//
// The compiler encodes, the runtime decodes; schema/pegasus.schema.json states the same shape.
// Decoding takes hostile bytes: unknown keys, wrong types and values out of range are errors that
// name the place as a JSON pointer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/address.h"
#include "schema/base/key.h"
#include "schema/base/result.h"
#include "schema/config.h"

namespace arctic {

struct PegasusConfig {
  struct Peer {
    std::string name;
    PublicKey public_key;
    std::optional<Endpoint> endpoint;  ///< where to dial it; absent: it dials us
    friend bool operator==(const Peer&, const Peer&) = default;
  };
  struct Allow {
    std::optional<Prefix> source;       ///< absent: any
    std::optional<Prefix> destination;  ///< absent: any
    friend bool operator==(const Allow&, const Allow&) = default;
  };
  enum class Role { kEntry, kExit };
  struct Tunnel {
    std::string service;
    std::string id;
    Role role = Role::kEntry;
    std::string peer;  ///< the other end
    Transport transport = Transport::kTcp;
    bool transparent = false;
    ProxyProtocol proxy_protocol = ProxyProtocol::kNone;
    std::uint32_t limit_mbps = 0;
    std::uint16_t listen_port = 0;     ///< kEntry only: the TPROXY port on loopback
    OnDown on_down = OnDown::kReject;  ///< kEntry only
    std::vector<Allow> allow;          ///< kExit only
    friend bool operator==(const Tunnel&, const Tunnel&) = default;
  };

  std::string node;
  std::optional<PublicKey> public_key;  ///< the file's; absent if the file gives none for this node
  std::string private_key_file;
  std::uint16_t listen_port = 0;
  std::uint32_t own_mark = 0;
  std::optional<Endpoint> metrics;
  std::vector<Peer> peers;      ///< sorted by name
  std::vector<Tunnel> tunnels;  ///< sorted by service, then role

  friend bool operator==(const PegasusConfig&, const PegasusConfig&) = default;
};

/// "entry", "exit".
[[nodiscard]] const char* to_string(PegasusConfig::Role role);

/// JSON with two-space indentation and a final newline; keys in a fixed order.
[[nodiscard]] std::string encode(const PegasusConfig& config);
/// The error's `where` is a JSON pointer. Limits: 64 MiB, depth 16.
[[nodiscard]] Result<PegasusConfig> decode_pegasus_config(std::string_view json);

}  // namespace arctic
