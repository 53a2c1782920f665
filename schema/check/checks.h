// The topics of check_config, one file each.
//
// Called by check_config alone, on a Config that may be partial: a topic skips what is absent,
// since the reader has said so already.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/base/diagnostic.h"
#include "schema/config.h"

namespace arctic {

/// Peers by name; of two with one name the first.
using PeerIndex = std::unordered_map<std::string_view, const Peer*>;

/// "service `syd-to-lon`", or "a service without a name".
[[nodiscard]] inline std::string in_words(const Service& service) {
  return service.name.value.empty() ? "a service without a name"
                                    : "service " + quoted(service.name.value);
}

void check_names(const Config& config, Diagnostics& diagnostics);  ///< rule 3
/// Rule 4.
void check_references(const Config& config, const PeerIndex& peers, Diagnostics& diagnostics);
void check_services(const Config& config, Diagnostics& diagnostics);  ///< rules 6, 9 and 10
/// Rule 12.
void check_keys(const Config& config, const PeerIndex& peers, Diagnostics& diagnostics);
void check_ports(const Config& config, Diagnostics& diagnostics);   ///< rule 20
void check_limits(const Config& config, Diagnostics& diagnostics);  ///< rule 20

}  // namespace arctic
