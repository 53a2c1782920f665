// The difference between two NodeStates, as an ordered list of changes.
//
// This one list is what `plan` prints, what `apply` executes and what undoing reverses. Pure.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/node_state.h"

namespace arctic {

/// before absent: add; after absent: remove; both: change in place.
template <class T>
struct Delta {
  std::string name;  ///< the identity where T does not contain it: link, path, chain, map; or empty
  std::optional<T> before;
  std::optional<T> after;
};

/// What is said of an nftables table or map as such; elements, chains and rules follow singly.
struct TableHeader {
  bool replace = false;  ///< the old table goes as a whole in the same transaction (see strange)
  std::string detail;    ///< why
};
struct MapHeader {
  nft::KeyType key = nft::KeyType::kIpv4;
  bool interval = false;
};
struct ChainHeader {
  std::optional<nft::Hook> hook;
};
struct ElementOf {
  nft::KeyType key = nft::KeyType::kIpv4;
  bool interval = false;
  nft::Element element;
};

using FileDelta = Delta<File>;      ///< name: path
using SysctlDelta = Delta<Sysctl>;  ///< name: path
using LinkDelta = Delta<Link>;      ///< name: interface
using AddressDelta = Delta<LinkAddress>;
using RouteDelta = Delta<PolicyRoute>;
using RuleDelta = Delta<PolicyRule>;
using TableDelta = Delta<TableHeader>;
using MapDelta = Delta<MapHeader>;      ///< name: map
using ChainDelta = Delta<ChainHeader>;  ///< name: chain
using NftRuleDelta = Delta<nft::Rule>;  ///< name: chain; rules are appended or deleted by handle
/// name: map. With both, the two have one key range, and the old one is deleted right before the
/// new one is added.
using ElementDelta = Delta<ElementOf>;

using Change = std::variant<FileDelta, SysctlDelta, LinkDelta, AddressDelta, RouteDelta, RuleDelta,
                            TableDelta, MapDelta, ChainDelta, NftRuleDelta, ElementDelta>;

/// In the order in which they are made; each group is ordered inside.
struct Changes {
  std::vector<Change> prepare;  ///< files' new content aside; links, sysctls, addresses, routes
                                ///< (`unreachable` first), rules (5119 first, 5100 last) that are
                                ///< new or changed
  std::vector<Change> nft;     ///< one transaction, in an order that the kernel takes
  std::vector<Change> files;   ///< put at their final places after the transaction
  std::vector<Change> retire;  ///< rules, routes, addresses, links and sysctls that go

  [[nodiscard]] bool empty() const {
    return prepare.empty() && nft.empty() && files.empty() && retire.empty();
  }
  [[nodiscard]] std::size_t size() const {
    return prepare.size() + nft.size() + files.size() + retire.size();
  }
};

/// What turns `actual` into `desired`. REQUIRES: `desired` is resolved (no kDefaultRouteInterface,
/// no merge_ports), as runtime/host's resolve() leaves it; for an offline comparison of two desired
/// states any two values will do.
[[nodiscard]] Changes diff(const NodeState& actual, const NodeState& desired);

enum class Action : std::uint8_t { kAdd, kChange, kRemove };

/// How a change is shown: kind as group heading ("link", "nftables element", "policy rule", …), the
/// identity, why (`syd-to-lon/0`, may be empty), old and new value.
struct Description {
  Action action = Action::kAdd;
  std::string kind;
  std::string identity;
  std::string reason;
  std::string before;
  std::string after;
};

[[nodiscard]] Description describe(const Change& change);

struct ChangeCounts {
  std::size_t add = 0;
  std::size_t change = 0;
  std::size_t remove = 0;
};
[[nodiscard]] ChangeCounts count(const Changes& changes);

}  // namespace arctic
