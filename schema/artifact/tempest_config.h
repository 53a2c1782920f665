// tempest.json: what the Tempest runtime of one node loads. Encode and decode stand side by side.
//
// See pegasus_config.h; the two share their rules for hostile input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/key.h"
#include "schema/base/result.h"
#include "schema/config.h"

namespace arctic {

struct TempestConfig {
  struct Tunnel {
    std::string peer;
    std::string device;
    PublicKey public_key;
    std::optional<Endpoint> endpoint;  ///< absent: the peer calls us
    std::uint32_t mtu = 0;
    std::uint16_t keepalive = 0;  ///< seconds; 0: none
    friend bool operator==(const Tunnel&, const Tunnel&) = default;
  };

  std::string node;
  std::optional<PublicKey> public_key;
  std::string private_key_file;
  std::uint16_t listen_port = 0;
  std::uint32_t own_mark = 0;
  std::optional<Endpoint> metrics;
  std::vector<Tunnel> tunnels;  ///< sorted by peer

  friend bool operator==(const TempestConfig&, const TempestConfig&) = default;
};

[[nodiscard]] std::string encode(const TempestConfig& config);
[[nodiscard]] Result<TempestConfig> decode_tempest_config(std::string_view json);

}  // namespace arctic
