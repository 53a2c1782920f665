// WireGuard's cross-platform configuration protocol: text in, a change as a value out.
//
// The interface's socket speaks it with `wg` and `wg-quick`. A request is read as a whole before
// anything of it is done, so that one that is wrong in its last line changes nothing. Bytes are
// hostile. Pure. Reference: wireguard.com/xplatform, "Cross-platform Userspace Implementation".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/crypto/secret.h"
#include "runtime/tempest/peer.h"
#include "schema/base/key.h"

namespace arctic {

struct UapiPeerChange {
  PublicKey key;
  bool remove = false;
  bool update_only = false;  ///< nothing if there is no such peer
  std::optional<Key> psk;    ///< all zero: none
  std::optional<PeerEndpoint> endpoint;
  std::optional<std::uint16_t> keepalive;  ///< seconds; 0: none
  bool replace_allowed = false;
  struct Allowed {
    Prefix prefix;
    bool remove = false;
  };
  std::vector<Allowed> allowed;  ///< in order
};

struct UapiChange {
  std::optional<Key> private_key;  ///< all zero: none any more
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint32_t> mark;
  bool replace_peers = false;
  std::vector<UapiPeerChange> peers;  ///< in order
};

/// The lines of a `set=1`, without that one and without the empty one at the end. nullopt if one of
/// them is wrong: EINVAL.
[[nodiscard]] std::optional<UapiChange> parse_uapi_change(std::string_view lines);

// ---- What `get=1` says ----

struct UapiPeer {
  PublicKey key;
  const Key* psk = nullptr;  ///< null: not said
  std::optional<PeerEndpoint> endpoint;
  TunnelPeer::Facts facts;
  std::vector<Prefix> allowed;
};
struct UapiInterface {
  const Key* private_key = nullptr;  ///< null: not said
  std::uint16_t listen_port = 0;
  std::uint32_t mark = 0;
  std::vector<UapiPeer> peers;
};
/// With the line that says that all is well, and the empty one.
[[nodiscard]] std::string encode_uapi(const UapiInterface& interface);

}  // namespace arctic
