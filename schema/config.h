// The typed model of the configuration file: what the user said, with the place of each value.
//
// schema/parse fills it, schema/check and the compiler read it. A Config of a file with errors is
// partial: what could not be read is absent, and only the checks may look at it. The compiler takes
// configurations without errors alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/base/address.h"
#include "schema/base/diagnostic.h"
#include "schema/base/key.h"

namespace arctic {

template <class T>
struct Located {
  T value{};
  Span span;  ///< line 0: not in the file, the value is the default
};

inline constexpr std::uint16_t kDefaultPegasusPort = 61000;
inline constexpr std::uint16_t kDefaultTempestPort = 51840;
inline constexpr int kDefaultMarkShift = 16;

/// A host without port: an address, or a name that the runtimes resolve.
struct HostName {
  std::string text;                ///< canonical: no brackets, no port; RFC 5952 for IPv6
  std::optional<Address> address;  ///< set if the text is an address
};

struct Endpoint {
  std::string host;  ///< no brackets
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  /// "host:port", "[v6]:port".
  [[nodiscard]] std::string to_string() const;
};

enum class Transport { kTcp, kKcp };
enum class ProxyProtocol { kNone, kV2 };
enum class OnDown { kReject, kDirect, kDrop };

/// The words of the file: "tcp", "none", "reject", …
[[nodiscard]] const char* to_string(Transport transport);
[[nodiscard]] const char* to_string(ProxyProtocol proxy_protocol);
[[nodiscard]] const char* to_string(OnDown on_down);

struct Peer {
  Located<std::string> name;
  std::optional<Located<HostName>> address;
  std::optional<Located<PublicKey>> public_key;
  bool bad_address = false;     ///< there is one, and what is wrong with it was reported
  bool bad_public_key = false;  ///< the same of the key
  std::optional<Located<std::string>> parent_interface;
  Located<std::uint16_t> pegasus_port{kDefaultPegasusPort, {}};
  Located<std::uint16_t> tempest_port{kDefaultTempestPort, {}};
  Located<int> mark_shift{kDefaultMarkShift, {}};
  std::optional<Located<Endpoint>> metrics;
  Span span;  ///< the list item (its first key)
};

struct Route {
  std::optional<Located<std::uint32_t>> priority;
  std::optional<Located<Prefix>> source;
  std::optional<Located<Prefix>> destination;
  bool malformed = false;  ///< something in it was reported already; cross-field checks skip it
  Span span;
};

struct Interface {
  Located<bool> enabled{false, {}};
  std::optional<Located<HostPrefix>> ipv4;
  std::optional<Located<HostPrefix>> ipv6;
  Span span;
};

struct Service {
  Located<std::string> name;
  std::optional<Located<std::string>> id;
  Located<std::string> source_peer;
  Located<std::string> target_peer;
  std::optional<Located<Transport>> transport;
  Located<bool> fully_transparent{false, {}};
  Located<ProxyProtocol> proxy_protocol{ProxyProtocol::kNone, {}};
  Located<OnDown> on_down{OnDown::kReject, {}};
  std::optional<Interface> interface;
  Located<std::uint32_t> limit_mbps{0, {}};  ///< 0: no limit; 1 = 10^6 bit/s
  std::vector<Route> routes;
  Span span;

  [[nodiscard]] bool has_interface() const { return interface && interface->enabled.value; }
};

struct Config {
  std::vector<Peer> peers;        ///< in the order of the file
  std::vector<Service> services;  ///< in the order of the file
  std::vector<Located<Prefix>> protect;

  /// nullptr if there is none of that name.
  [[nodiscard]] const Peer* find_peer(std::string_view name) const;
  [[nodiscard]] const Service* find_service(std::string_view name) const;
};

}  // namespace arctic
