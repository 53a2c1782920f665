// tempest.endpoints: where peers were last, for a Tempest that is started again.
//
// Tempest alone writes and reads it. Nothing but a hint: whoever is not there is looked for where
// the configuration says. Encode and decode stand side by side; the decoder takes hostile bytes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "schema/base/key.h"
#include "schema/base/result.h"
#include "schema/config.h"

namespace arctic {

struct PeerPlace {
  Endpoint endpoint;                 ///< with an address, not a name
  std::optional<Endpoint> declared;  ///< what the configuration said at the time
  friend bool operator==(const PeerPlace&, const PeerPlace&) = default;
};

using PeerPlaces = std::map<PublicKey, PeerPlace>;

[[nodiscard]] std::string encode(const PeerPlaces& places);
/// The error's `where` is a JSON pointer.
[[nodiscard]] Result<PeerPlaces> decode_peer_places(std::string_view json);

}  // namespace arctic
