// The clauses that our rules consist of: each gives its nft text and its kernel expressions.
//
// Lowering composes rules of them. The expressions are those that nft 1.0.6 makes of the text, in
// the same order, so that loading ruleset.nft and programming over netlink leave the same objects
// behind. No clause needs an anonymous set. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/nft.h"

namespace arctic::nft {

enum class Mark : std::uint8_t { kPacket, kConnection };
enum class Side : std::uint8_t { kSource, kDestination };

/// Where an address is in its network header, in bytes.
constexpr std::uint32_t address_offset(Family family, Side side) {
  if (family == Family::kIpv4) return side == Side::kSource ? 12 : 16;
  return side == Side::kSource ? 8 : 24;
}

// ---- Conditions --------------------------------------------------------------------------------

[[nodiscard]] Statement iif_lo();
/// protocol: kProtoTcp, kProtoIcmp or kProtoIcmpv6.
[[nodiscard]] Statement l4proto(std::uint8_t protocol, bool equal = true);
[[nodiscard]] Statement socket_transparent();
[[nodiscard]] Statement ct_reply();
[[nodiscard]] Statement ct_untracked();
[[nodiscard]] Statement mark_is(Mark mark, std::uint32_t mask, std::uint32_t value,
                                bool equal = true);
/// first <= (connection mark & mask) <= last
[[nodiscard]] Statement ct_mark_between(std::uint32_t mask, std::uint32_t first,
                                        std::uint32_t last);
/// Any TCP segment but the first of a connection; no match for other protocols.
[[nodiscard]] Statement tcp_not_opening();
/// From and to these networks; a side that is absent is not looked at. "ip saddr 10.1.0.0/16 ip
/// daddr 192.168.100.0/24". REQUIRES: at least one, and both of one family.
[[nodiscard]] Statement address_in(const std::optional<Prefix>& source,
                                   const std::optional<Prefix>& destination);

// ---- Verdict map look-ups; they fall through if the key is not in the map
// ------------------------

[[nodiscard]] Statement iifname_vmap(std::string_view map);
[[nodiscard]] Statement mark_vmap(Mark mark, std::uint32_t mask, std::string_view map);
[[nodiscard]] Statement address_vmap(Family family, Side side, std::string_view map);
[[nodiscard]] Statement destination_type_vmap(std::string_view map);

// ---- Actions -----------------------------------------------------------------------------------

/// mark = (mark & ~mask) | value. REQUIRES: value has no bits outside mask.
[[nodiscard]] Statement set_mark(Mark mark, std::uint32_t mask, std::uint32_t value);
/// The original direction of the connection belongs to conntrack zone `zone`.
[[nodiscard]] Statement set_original_zone(std::uint16_t zone);
/// To a transparent listener on the loopback address of the family. Needs an l4proto clause before.
[[nodiscard]] Statement tproxy(Family family, std::uint16_t port);
/// Needs `l4proto(kProtoTcp)` before.
[[nodiscard]] Statement reject_tcp_reset();
[[nodiscard]] Statement reject_prohibited();
[[nodiscard]] Statement masquerade();
[[nodiscard]] Statement counter();
[[nodiscard]] Statement verdict(const Verdict& verdict);
[[nodiscard]] Statement accept();
[[nodiscard]] Statement drop();
[[nodiscard]] Statement go_to(std::string_view chain);

// ---- Shown to people ---------------------------------------------------------------------------

/// nft text for expressions, as make_rule writes it for ours; an expression that is none of ours is
/// shown in brackets. For rules read from the kernel, which have no text.
[[nodiscard]] std::string text_of(const std::vector<Expr>& exprs);

/// The rule's own text, else text_of its expressions.
[[nodiscard]] std::string text_of(const Rule& rule);

/// "type filter hook prerouting priority mangle + 1; policy accept;".
[[nodiscard]] std::string text_of(const Hook& hook);
/// "mangle + 1", "-149" where no name is near.
[[nodiscard]] std::string priority_text(const Hook& hook);
/// "prerouting", "input", …
[[nodiscard]] std::string hook_name(std::uint32_t number);

}  // namespace arctic::nft
