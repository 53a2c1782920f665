// Which addresses belong to which peer: the longest prefix decides where a packet goes, and whether
// a peer may use the source address that it used.
//
// One per device. Workers read a copy that nobody changes; changes are made on another, which then
// takes its place. Values are small numbers that the caller gives meaning to. Pure. Reference:
// WireGuard whitepaper, 2 (cryptokey routing).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "schema/base/address.h"

namespace arctic {

class AllowedIps {
 public:
  using Value = std::uint32_t;

  /// A prefix that is there gets the new value.
  void insert(const Prefix& prefix, Value value);
  /// Only if it is there with that value; false if not.
  bool remove(const Prefix& prefix, Value value);
  void remove_all(Value value);

  /// Of the longest prefix that contains the address. REQUIRES: 4 or 16 readable bytes in network
  /// order.
  [[nodiscard]] std::optional<Value> find4(const std::uint8_t* address) const;
  [[nodiscard]] std::optional<Value> find6(const std::uint8_t* address) const;

  /// All of a value, IPv4 first, each family in order of address and length.
  [[nodiscard]] std::vector<Prefix> list(Value value) const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// A binary trie that skips what all below have in common: at most one node more than prefixes.
  struct Node {
    U128 bits = 0;  ///< left-aligned: the first bit of an address is the highest
    std::uint8_t length = 0;
    bool used = false;  ///< else it only parts two others
    Value value = 0;
    std::uint32_t children[2] = {kNone, kNone};
  };
  struct Trie {
    std::vector<Node> nodes;
    std::uint32_t root = kNone;
    std::size_t used = 0;
  };

  static void insert(Trie& trie, U128 bits, std::uint8_t length, Value value);
  static std::optional<Value> find(const Trie& trie, U128 bits);
  /// Makes the trie anew of what is used, when much is not.
  static void tidy(Trie& trie);
  [[nodiscard]] Trie& of(Family family) { return tries_[family == Family::kIpv4 ? 0 : 1]; }

  std::array<Trie, 2> tries_;
};

}  // namespace arctic
