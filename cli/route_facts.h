// What a winning rule means: who handles the packet, through what, and what the other end does.
//
// Shared by trace and its line mode. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compiler/allocate.h"
#include "compiler/order.h"
#include "schema/config.h"

namespace arctic::cli {

inline constexpr std::uint8_t kTcpProtocol = 6;

enum class Handler : std::uint8_t { kNone, kPegasus, kTempest };

/// "none", "pegasus", "tempest".
[[nodiscard]] const char* to_string(Handler handler);

/// TCP is Pegasus', every other protocol Tempest's.
[[nodiscard]] Handler handler_of(std::uint8_t protocol);

/// Where the service's listener waits for captured TCP on its source peer.
[[nodiscard]] std::uint16_t pegasus_port(const Numbers& numbers, const Service& service);

/// "10.1.0.0/16 → 192.168.100.0/24", "any → 172.16.0.0/12", "interface svc-b".
[[nodiscard]] std::string match_text(const Config& config, const Rule& rule);

/// What the exit does with a packet of the service, one sentence.
[[nodiscard]] std::string at_exit(const Service& service, Handler handler);

}  // namespace arctic::cli
