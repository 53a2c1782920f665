// What a node has or should have, as typed resources with identities.
//
// The compiler lowers a plan to a desired NodeState; the host observes an actual one; compiler/diff
// compares the two. Pure values: no resource knows how it is read or written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "compiler/nft.h"
#include "schema/base/address.h"

namespace arctic {

/// Stands for the interface of the node's default route, which only the host knows (no interface
/// can have a space in its name). resolve() of runtime/host puts the real name in its place, as a
/// link's parent and inside sysctl paths.
inline constexpr const char* kDefaultRouteInterface = "default route";

inline constexpr const char* kAliasPrefix = "arctic:";  ///< links with such an alias are ours

enum class LinkKind : std::uint8_t { kMacvlan, kTun, kOther };

struct Link {
  LinkKind kind = LinkKind::kOther;
  std::string parent;     ///< kMacvlan: the lower interface (mode bridge); else empty
  std::string alias;      ///< "arctic:<service>" or "arctic:peer:<peer>"
  std::uint32_t mtu = 0;  ///< 0: as the kernel has it; resolve() gives a macvlan its parent's
  bool up = true;
  std::uint32_t tx_queue_length = 0;  ///< 0: as the kernel has it
  bool multi_queue = false;           ///< kTun: made with IFF_MULTI_QUEUE, persistent
  bool no_arp = false;                ///< actual only, kMacvlan: answers no ARP
  std::string detail;  ///< actual only: what makes it unusable as ours ("mode private"); else empty
  std::string origin;  ///< path in the file; not compared

  friend bool operator==(const Link& a, const Link& b) {
    return std::tie(a.kind, a.parent, a.alias, a.up, a.multi_queue, a.no_arp, a.detail) ==
               std::tie(b.kind, b.parent, b.alias, b.up, b.multi_queue, b.no_arp, b.detail) &&
           (a.mtu == b.mtu || a.mtu == 0 || b.mtu == 0) &&
           (a.tx_queue_length == b.tx_queue_length || a.tx_queue_length == 0 ||
            b.tx_queue_length == 0);
  }
};

/// An address on one of our links. Link-local ones and those with a lifetime (router
/// advertisements) are neither observed nor declared.
struct LinkAddress {
  std::string link;
  HostPrefix address;
  std::string origin;  ///< not compared
  /// Actual only: what ours never have ("peer 10.0.0.55", "noprefixroute").
  std::string strange{};

  friend bool operator==(const LinkAddress& a, const LinkAddress& b) {
    return std::tie(a.link, a.address, a.strange) == std::tie(b.link, b.address, b.strange);
  }
  friend bool operator<(const LinkAddress& a, const LinkAddress& b) {
    return std::tie(a.link, a.address, a.strange) < std::tie(b.link, b.address, b.strange);
  }
};

enum class RouteType : std::uint8_t { kLocal, kUnicast, kUnreachable };

/// A route of ours (protocol 172): always a `default` in a table of ours.
struct PolicyRoute {
  Family family = Family::kIpv4;
  std::uint32_t table = 0;
  RouteType type = RouteType::kUnicast;
  std::uint32_t metric = 0;  ///< as the kernel reports it (IPv6 has 1024 where none was given)
  std::string device;        ///< empty for kUnreachable
  std::string origin;        ///< not compared
  /// Actual only: the whole route in words if it is one that ours never are ("10.9.0.0/16 dev
  /// eth1", "blackhole default"); such a one equals none of ours and stands in the place of none.
  std::string strange{};

  friend bool operator==(const PolicyRoute& a, const PolicyRoute& b) {
    return std::tie(a.family, a.table, a.type, a.metric, a.device, a.strange) ==
           std::tie(b.family, b.table, b.type, b.metric, b.device, b.strange);
  }
  friend bool operator<(const PolicyRoute& a, const PolicyRoute& b) {
    return std::tie(a.family, a.table, a.type, a.metric, a.device, a.strange) <
           std::tie(b.family, b.table, b.type, b.metric, b.device, b.strange);
  }
};

enum class RuleAction : std::uint8_t { kLookup, kGoto, kNop };

/// A policy rule of ours (protocol 172).
struct PolicyRule {
  Family family = Family::kIpv4;
  std::uint32_t preference = 0;
  std::string iif;                    ///< empty: any
  std::optional<std::uint32_t> mark;  ///< with mask
  std::uint32_t mask = 0;
  RuleAction action = RuleAction::kNop;
  std::uint32_t target = 0;  ///< table of kLookup, preference of kGoto
  std::string strange;       ///< actual only: a selector that ours never have ("from 10.0.0.0/8")
  std::string origin;        ///< not compared

  friend bool operator==(const PolicyRule& a, const PolicyRule& b) {
    return std::tie(a.family, a.preference, a.iif, a.mark, a.mask, a.action, a.target, a.strange) ==
           std::tie(b.family, b.preference, b.iif, b.mark, b.mask, b.action, b.target, b.strange);
  }
  friend bool operator<(const PolicyRule& a, const PolicyRule& b) {
    return std::tie(a.family, a.preference, a.iif, a.mark, a.mask, a.action, a.target, a.strange) <
           std::tie(b.family, b.preference, b.iif, b.mark, b.mask, b.action, b.target, b.strange);
  }
};

/// A kernel parameter below /proc/sys, e.g. "net/ipv4/conf/eth1.5/arp_ignore" (slashes, because
/// interface names may contain dots).
struct Sysctl {
  std::string value;
  /// Desired only: `value` is a list of ports that must be among those listed
  /// (net/ipv4/ip_local_reserved_ports); resolve() turns it into a plain value.
  bool merge_ports = false;
  /// The link of ours it belongs to, with which it comes and goes; empty: the node's, whose value
  /// before us is recorded and restored.
  std::string of_link;
  /// Actual only: the record of the value before us, if we changed it, and the value that we wrote.
  std::optional<std::string> before;
  std::optional<std::string> ours;
  std::string origin;  ///< not compared
};

struct File {
  std::string content;
  std::string origin;  ///< not compared
  /// Actual only: why others than us could change it ("belongs to user 1000"); else empty.
  std::string detail{};

  friend bool operator==(const File& a, const File& b) {
    return std::tie(a.content, a.detail) == std::tie(b.content, b.detail);
  }
};

enum class Ipv6 : std::uint8_t {
  kOn,
  kOff,     ///< switched off on all interfaces: policy rules can be made, addresses cannot
  kAbsent,  ///< the kernel runs without it
};

struct NodeState {
  std::optional<nft::Table> table;    ///< table inet arctic
  std::map<std::string, Link> links;  ///< by interface name
  std::set<LinkAddress> addresses;
  std::set<PolicyRoute> routes;
  std::set<PolicyRule> rules;
  std::map<std::string, Sysctl> sysctls;  ///< by path
  std::map<std::string, File> files;      ///< by absolute path, below --root
  /// Actual only: how much of IPv6 the node has.
  Ipv6 ipv6 = Ipv6::kOn;
};

inline constexpr const char* kPegasusConfigPath = "/opt/tillered/pegasus/config.json";
inline constexpr const char* kTempestConfigPath = "/opt/tillered/tempest/config.json";

}  // namespace arctic
