// Peers, services and routes as data, under the keys of the file, with what is derived from them.
//
// Shared by services, routes, peers and status. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "compiler/allocate.h"
#include "schema/base/result.h"
#include "schema/config.h"

namespace arctic::cli {

[[nodiscard]] nlohmann::ordered_json service_json(const Config& config, const Numbers& numbers,
                                                  const Service& service);
[[nodiscard]] nlohmann::ordered_json peer_json(const Config& config, const Numbers& numbers,
                                               const Peer& peer);
[[nodiscard]] nlohmann::ordered_json route_json(const Service& service, std::size_t position);

/// By name or ID; nullptr if there is none.
[[nodiscard]] const Service* find_service(const Config& config, std::string_view name_or_id);

/// kConfig with the nearest name or ID.
[[nodiscard]] Error no_such_service(const Config& config, std::string_view word);
[[nodiscard]] Error no_such_peer(const Config& config, std::string_view word);

/// "500 Mbit/s", "none".
[[nodiscard]] std::string limit_text(const Service& service);
[[nodiscard]] std::string transport_text(const Service& service);

}  // namespace arctic::cli
