#include "runtime/tempest/allowed_ips.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace arctic {
namespace {

constexpr std::uint8_t kAddressBits = 128;

U128 mask(std::uint8_t length) { return length == 0 ? U128{0} : ~U128{0} << (128 - length); }

unsigned bit_at(U128 bits, std::uint8_t index) {
  return static_cast<unsigned>(bits >> (127 - index)) & 1U;
}

unsigned leading_zeros(U128 bits) {
  const auto high = static_cast<std::uint64_t>(bits >> 64);
  const auto low = static_cast<std::uint64_t>(bits);
  if (high != 0) return static_cast<unsigned>(__builtin_clzll(high));
  return low != 0 ? 64 + static_cast<unsigned>(__builtin_clzll(low)) : 128;
}

/// How many of the first bits two prefixes share.
std::uint8_t common(U128 a, std::uint8_t a_length, U128 b, std::uint8_t b_length) {
  const unsigned same = leading_zeros(a ^ b);
  return static_cast<std::uint8_t>(std::min({same, unsigned{a_length}, unsigned{b_length}}));
}

U128 left_aligned(const Prefix& prefix) {
  return prefix.bits << (128 - address_bits(prefix.family));
}

template <std::size_t N>
U128 from_bytes(const std::uint8_t* bytes) {
  U128 out = 0;
  for (std::size_t i = 0; i < N; ++i) out = out << 8 | bytes[i];
  return out << (128 - 8 * N);
}

}  // namespace

void AllowedIps::insert(const Prefix& prefix, Value value) {
  insert(of(prefix.family), left_aligned(prefix), prefix.length, value);
}

void AllowedIps::insert(Trie& trie, U128 bits, std::uint8_t length, Value value) {
  const auto add = [&](U128 node_bits, std::uint8_t node_length) {
    trie.nodes.push_back({node_bits, node_length, false, 0, {kNone, kNone}});
    return static_cast<std::uint32_t>(trie.nodes.size() - 1);
  };
  const auto use = [&](std::uint32_t index) {
    if (!std::exchange(trie.nodes[index].used, true)) ++trie.used;
    trie.nodes[index].value = value;
  };
  // Where the way goes on: the root, or a child of `parent`.
  std::uint32_t parent = kNone;
  const auto link = [&]() -> std::uint32_t& {
    if (parent == kNone) return trie.root;
    return trie.nodes[parent].children[bit_at(bits, trie.nodes[parent].length)];
  };
  for (;;) {
    const std::uint32_t at = link();
    if (at == kNone) {
      const std::uint32_t leaf = add(bits, length);
      link() = leaf;
      return use(leaf);
    }
    const U128 at_bits = trie.nodes[at].bits;
    const std::uint8_t at_length = trie.nodes[at].length;
    const std::uint8_t same = common(bits, length, at_bits, at_length);
    if (same == at_length) {
      if (same == length) return use(at);
      parent = at;
      continue;
    }
    // It parts from this node above it: a node for what they share takes its place.
    const std::uint32_t fork = add(bits & mask(same), same);
    link() = fork;
    trie.nodes[fork].children[bit_at(at_bits, same)] = at;
    if (same == length) return use(fork);
    parent = fork;
  }
}

std::optional<AllowedIps::Value> AllowedIps::find(const Trie& trie, U128 bits) {
  std::optional<Value> best;
  for (std::uint32_t at = trie.root; at != kNone;) {
    const Node& node = trie.nodes[at];
    if (((bits ^ node.bits) & mask(node.length)) != 0) break;
    if (node.used) best = node.value;
    if (node.length == kAddressBits) break;
    at = node.children[bit_at(bits, node.length)];
  }
  return best;
}

std::optional<AllowedIps::Value> AllowedIps::find4(const std::uint8_t* address) const {
  return find(tries_[0], from_bytes<4>(address));
}

std::optional<AllowedIps::Value> AllowedIps::find6(const std::uint8_t* address) const {
  return find(tries_[1], from_bytes<16>(address));
}

bool AllowedIps::remove(const Prefix& prefix, Value value) {
  Trie& trie = of(prefix.family);
  const U128 bits = left_aligned(prefix);
  for (std::uint32_t at = trie.root; at != kNone;) {
    Node& node = trie.nodes[at];
    if (node.length > prefix.length || ((bits ^ node.bits) & mask(node.length)) != 0) return false;
    if (node.length == prefix.length) {
      if (!node.used || node.value != value) return false;
      node.used = false;
      --trie.used;
      tidy(trie);
      return true;
    }
    at = node.children[bit_at(bits, node.length)];
  }
  return false;
}

void AllowedIps::remove_all(Value value) {
  for (Trie& trie : tries_) {
    for (Node& node : trie.nodes) {
      if (!node.used || node.value != value) continue;
      node.used = false;
      --trie.used;
    }
    tidy(trie);
  }
}

void AllowedIps::tidy(Trie& trie) {
  constexpr std::size_t kFew = 16;
  // Where all of them are needed, each but the last parts two ways with one node at most.
  if (trie.nodes.size() <= 2 * trie.used + kFew) return;
  Trie fresh;
  for (const Node& node : trie.nodes) {
    if (node.used) insert(fresh, node.bits, node.length, node.value);
  }
  trie = std::move(fresh);
}

std::vector<Prefix> AllowedIps::list(Value value) const {
  std::vector<Prefix> out;
  for (const Family family : kFamilies) {
    const int bits = address_bits(family);
    for (const Node& node : tries_[family == Family::kIpv4 ? 0 : 1].nodes) {
      if (node.used && node.value == value) {
        out.push_back({family, node.length, node.bits >> (128 - bits)});
      }
    }
  }
  std::sort(out.begin(), out.end(), [](const Prefix& a, const Prefix& b) {
    return std::tie(a.family, a.bits, a.length) < std::tie(b.family, b.bits, b.length);
  });
  return out;
}

}  // namespace arctic
