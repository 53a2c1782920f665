// Names and numbers that the compiler derives from names in the file.
//
// Each value hangs on a hash of the name alone; where two hashes meet, names in byte order take the
// next free value, cyclically. So the order of the file never matters, and adding one peer or
// service renumbers another only in a collision. Pure: called by compile, trace and the checks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schema/config.h"

namespace arctic {

inline constexpr std::uint32_t kNumberRange = 4000;      ///< peers and services: 1..4000
inline constexpr std::uint16_t kTproxyPortBase = 20000;  ///< port of service n: base + n
inline constexpr std::uint32_t kLocalTable = 52000;      ///< `local default dev lo`
inline constexpr std::uint32_t kPeerTableBase = 52000;   ///< table of peer n: base + n
inline constexpr std::uint8_t kRouteProtocol = 172;      ///< rtnetlink protocol of ours
inline constexpr std::uint32_t kTunnelMtu = 1420;

/// "svc-" and 11 characters of base32, or the explicit id.
[[nodiscard]] std::string service_id(const Service& service);
/// The first 15 characters of the service ID.
[[nodiscard]] std::string macvlan_name(const Service& service);
/// `tp-` and the peer's name, or 12 characters of its hash where the name is longer than 12.
[[nodiscard]] std::string tunnel_device(std::string_view peer);

/// Numbers 1..4000 for names: 1 + H(kind, name) mod 4000, collisions settled in byte order.
/// REQUIRES: at most 4000 distinct names.
[[nodiscard]] std::map<std::string, std::uint16_t, std::less<>> allocate_numbers(
    std::string_view kind, std::vector<std::string> names);

/// The mark values of one node: 13 bits at `shift`. See the data plane's table of marks.
struct Marks {
  int shift = kDefaultMarkShift;

  [[nodiscard]] std::uint32_t mask() const { return 0x1fffU << shift; }
  [[nodiscard]] std::uint32_t peer(std::uint16_t n) const { return std::uint32_t{n} << shift; }
  [[nodiscard]] std::uint32_t service(std::uint16_t n) const { return (0x1000U + n) << shift; }
  [[nodiscard]] std::uint32_t first_peer() const { return 0x001U << shift; }
  [[nodiscard]] std::uint32_t last_peer() const { return 0xfa0U << shift; }
  [[nodiscard]] std::uint32_t forwarded() const { return 0x0ff1U << shift; }
  [[nodiscard]] std::uint32_t own() const { return 0x0ff3U << shift; }
  [[nodiscard]] std::uint32_t transparent() const { return 0x1ffeU << shift; }
  [[nodiscard]] std::uint32_t local() const { return 0x1fffU << shift; }
  /// The bit that SERVICE, TRANSPARENT and LOCAL have and the others have not.
  [[nodiscard]] std::uint32_t captured_bit() const { return 0x1000U << shift; }
};

struct Numbers {
  std::map<std::string, std::uint16_t, std::less<>> peers;     ///< by peer name, whole file
  std::map<std::string, std::uint16_t, std::less<>> services;  ///< by service name; unique per
                                                               ///< source peer only
};

[[nodiscard]] Numbers allocate(const Config& config);

}  // namespace arctic
