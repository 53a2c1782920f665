// Sets of ports as the kernel writes them: "1-3,7".
//
// Used to put our ports into net.ipv4.ip_local_reserved_ports and to take out ours alone. Pure.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

namespace arctic {

using PortSet = std::bitset<65536>;

/// Numbers and ranges with commas between, blanks around; empty text is the empty set. nullopt for
/// anything else.
[[nodiscard]] std::optional<PortSet> parse_ports(std::string_view text);

/// Sorted, with adjacent ports as ranges: the kernel's own form.
[[nodiscard]] std::string ports_text(const PortSet& ports);

}  // namespace arctic
