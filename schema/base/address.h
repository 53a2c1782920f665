// IP addresses, prefixes and interval ends as plain numbers.
//
// Everything from the YAML reader to the netlink encoder uses these types. IPv4 and IPv6 share one
// representation, an unsigned 128-bit number in host order (IPv4 in the low 32 bits), so that
// interval arithmetic is written once. Parsing is strict: no octal, no short forms, no zone ids.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arctic {

__extension__ using U128 = unsigned __int128;

enum class Family : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };

inline constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};

/// 32 or 128: the bits of an address of this family.
constexpr int address_bits(Family family) { return family == Family::kIpv4 ? 32 : 128; }

/// The highest address of the family, as a number.
constexpr U128 max_address(Family family) {
  return family == Family::kIpv4 ? U128{0xffffffffU} : ~U128{0};
}

struct Address {
  Family family = Family::kIpv4;
  U128 bits = 0;  ///< host order; IPv4 uses the low 32 bits

  friend constexpr auto operator<=>(const Address&, const Address&) = default;

  /// Network byte order; the first 4 (IPv4) or all 16 (IPv6) bytes count.
  [[nodiscard]] std::array<std::uint8_t, 16> bytes() const;
  /// 4 or 16.
  [[nodiscard]] std::size_t size() const { return family == Family::kIpv4 ? 4 : 16; }
  /// Dotted quad, or RFC 5952 text.
  [[nodiscard]] std::string to_string() const;
};

/// REQUIRES: `bytes` has 4 (IPv4) or 16 (IPv6) readable bytes in network order.
[[nodiscard]] Address address_from_bytes(Family family, const void* bytes);

/// Dotted quad or RFC 4291 text without zone; nullopt for anything else.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

/// A network: host bits are always zero.
struct Prefix {
  Family family = Family::kIpv4;
  std::uint8_t length = 0;
  U128 bits = 0;

  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;

  [[nodiscard]] U128 first() const { return bits; }
  [[nodiscard]] U128 last() const;
  [[nodiscard]] bool contains(const Address& address) const;
  /// True for equal prefixes too; false across families.
  [[nodiscard]] bool contains(const Prefix& other) const;
  [[nodiscard]] bool overlaps(const Prefix& other) const;
  [[nodiscard]] Address address() const { return {family, bits}; }
  [[nodiscard]] std::string to_string() const;  ///< always with `/length`
};

/// An address with the length of its network, as `ip address add` takes it: 10.0.0.9/24.
struct HostPrefix {
  Address address;
  std::uint8_t length = 0;

  friend constexpr auto operator<=>(const HostPrefix&, const HostPrefix&) = default;
  [[nodiscard]] Prefix network() const;
  [[nodiscard]] std::string to_string() const;
};

/// The network that `address/length` lies in. REQUIRES: 0 <= length <= address_bits(family).
[[nodiscard]] Prefix network_of(const Address& address, int length);

/// "ADDRESS/LENGTH", or a bare address, which is a host (/32, /128). Host bits are kept.
/// nullopt if it is neither. The length is decimal, without sign or leading zeros.
[[nodiscard]] std::optional<HostPrefix> parse_host_prefix(std::string_view text);

/// As parse_host_prefix, but nullopt also when host bits are set.
[[nodiscard]] std::optional<Prefix> parse_prefix(std::string_view text);

/// fe80::/10 (RFC 4291, 2.5.6): means another host on every link.
inline constexpr Prefix kLinkLocalIpv6{Family::kIpv6, 10, U128{0xfe80} << 112};

/// The whole family: 0.0.0.0/0 or ::/0.
constexpr Prefix any_prefix(Family family) { return Prefix{family, 0, 0}; }

}  // namespace arctic
