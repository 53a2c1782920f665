// nftables objects as values: table, chains, rules, maps, elements.
//
// The compiler writes rules as statements; each statement gives its text (for ruleset.nft and for
// people) and its kernel expressions (for netlink). The host reads the kernel's expressions back
// into the same values, so that two rules are compared by what the kernel runs, never by text:
// nft prints `mark and 0xe000ffff or 0x00030000` as `mark & 0xe003ffff | 0x00030000`.
// Expressions follow include/uapi/linux/netfilter/nf_tables.h; the constants keep its numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schema/base/address.h"

namespace arctic::nft {

inline constexpr const char* kTableName = "arctic";
/// The table's comment; a table `inet arctic` without it is not ours.
inline constexpr const char* kTableComment = "managed by arctic";

enum class VerdictCode : std::uint8_t { kAccept, kDrop, kJump, kGoto };

struct Verdict {
  VerdictCode code = VerdictCode::kAccept;
  std::string chain;  ///< for kJump and kGoto

  friend auto operator<=>(const Verdict&, const Verdict&) = default;
  [[nodiscard]] std::string to_string() const;  ///< "goto svc_x", "accept"
};

// ---- Kernel expressions. Registers are always NFT_REG_1 unless a field says otherwise. ---------

struct MetaLoad {
  std::uint32_t key = 0;  ///< NFT_META_*
  friend bool operator==(const MetaLoad&, const MetaLoad&) = default;
};
struct MetaSet {
  std::uint32_t key = 0;
  friend bool operator==(const MetaSet&, const MetaSet&) = default;
};
struct CtLoad {
  std::uint32_t key = 0;                  ///< NFT_CT_*
  std::optional<std::uint8_t> direction;  ///< IP_CT_DIR_*
  friend bool operator==(const CtLoad&, const CtLoad&) = default;
};
struct CtSet {
  std::uint32_t key = 0;
  std::optional<std::uint8_t> direction;
  friend bool operator==(const CtSet&, const CtSet&) = default;
};
struct PayloadLoad {
  std::uint32_t base = 0;  ///< NFT_PAYLOAD_*_HEADER
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  friend bool operator==(const PayloadLoad&, const PayloadLoad&) = default;
};
/// register = (register & mask) ^ xor, over mask.size() bytes.
struct Bitwise {
  std::vector<std::uint8_t> mask;
  std::vector<std::uint8_t> flip;
  friend bool operator==(const Bitwise&, const Bitwise&) = default;
};
/// The numbers of NFT_CMP_*. nft writes a range of values as kAtLeast and kAtMost.
enum class CmpOp : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kAtMost,
  kMore,
  kAtLeast,
};
struct Cmp {
  CmpOp op = CmpOp::kEqual;
  std::vector<std::uint8_t> data;
  friend bool operator==(const Cmp&, const Cmp&) = default;
};
struct ByteorderHton {  ///< hton over 4 bytes
  friend bool operator==(const ByteorderHton&, const ByteorderHton&) = default;
};
/// A verdict map look-up: the destination register is NFT_REG_VERDICT.
struct LookupVerdict {
  std::string map;
  friend bool operator==(const LookupVerdict&, const LookupVerdict&) = default;
};
struct ImmediateData {
  std::uint32_t reg = 1;  ///< NFT_REG_1.. ; tproxy takes address in 1 and port in 2
  std::vector<std::uint8_t> data;
  friend bool operator==(const ImmediateData&, const ImmediateData&) = default;
};
struct ImmediateVerdict {
  Verdict verdict;
  friend bool operator==(const ImmediateVerdict&, const ImmediateVerdict&) = default;
};
struct FibLoad {
  std::uint32_t result = 0;  ///< NFT_FIB_RESULT_*
  std::uint32_t flags = 0;   ///< NFTA_FIB_F_*
  friend bool operator==(const FibLoad&, const FibLoad&) = default;
};
struct SocketLoad {
  std::uint32_t key = 0;  ///< NFT_SOCKET_*
  friend bool operator==(const SocketLoad&, const SocketLoad&) = default;
};
struct Tproxy {
  std::uint32_t family = 0;  ///< NFPROTO_IPV4, NFPROTO_IPV6; address register 1, port register 2
  friend bool operator==(const Tproxy&, const Tproxy&) = default;
};
struct RejectExpr {
  std::uint32_t type = 0;  ///< NFT_REJECT_*
  std::uint8_t code = 0;
  friend bool operator==(const RejectExpr&, const RejectExpr&) = default;
};
struct Masquerade {
  friend bool operator==(const Masquerade&, const Masquerade&) = default;
};
/// Its values are state, not configuration: all counters are equal.
struct Counter {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Counter&, const Counter&) { return true; }
};
/// Read from the kernel and nothing that we write. Equal to nothing, itself included.
struct UnknownExpr {
  std::string name;
  friend bool operator==(const UnknownExpr&, const UnknownExpr&) { return false; }
};

using Expr = std::variant<MetaLoad, MetaSet, CtLoad, CtSet, PayloadLoad, Bitwise, Cmp,
                          ByteorderHton, LookupVerdict, ImmediateData, ImmediateVerdict, FibLoad,
                          SocketLoad, Tproxy, RejectExpr, Masquerade, Counter, UnknownExpr>;

// ---- Objects -----------------------------------------------------------------------------------

struct Rule {
  std::string text;          ///< nft syntax without comment; empty for a rule read from the kernel
  std::vector<Expr> exprs;   ///< in the order in which the kernel runs them
  std::string comment;       ///< at most 127 bytes; empty for none
  std::uint64_t handle = 0;  ///< the kernel's; 0 for a desired rule

  /// By expressions and comment.
  friend bool operator==(const Rule& a, const Rule& b) {
    return a.comment == b.comment && a.exprs == b.exprs;
  }
};

struct Hook {
  std::string type;          ///< "filter", "nat", "route"
  std::uint32_t number = 0;  ///< NF_INET_*
  std::int32_t priority = 0;
  bool accept = true;  ///< policy accept, else drop

  friend bool operator==(const Hook&, const Hook&) = default;
};

struct Chain {
  std::optional<Hook> hook;  ///< base chains only
  std::vector<Rule> rules;

  friend bool operator==(const Chain&, const Chain&) = default;
};

enum class KeyType : std::uint8_t { kIpv4, kIpv6, kMark, kIfname, kFibType };

/// Keys are numbers: addresses as U128 like Address::bits; marks and fib types as such; interface
/// names as their 16 zero-padded bytes read big-endian (see pack_ifname).
struct Element {
  U128 first = 0;
  U128 last = 0;  ///< included; equal to first in a map without intervals
  Verdict verdict;
  std::string comment;  ///< at most 127 bytes

  friend bool operator==(const Element&, const Element&) = default;
};

struct Map {
  KeyType key = KeyType::kIpv4;
  bool interval = false;          ///< only kIpv4 and kIpv6
  std::vector<Element> elements;  ///< sorted by first, disjoint

  friend bool operator==(const Map&, const Map&) = default;
};

struct Table {
  std::map<std::string, Chain> chains;
  std::map<std::string, Map> maps;
  /// What a table of ours never has (plain sets, maps of data, objects, flowtables, chains of other
  /// types, flags): names for the message. Such a table is drift and is replaced as a whole.
  std::vector<std::string> strange;
  bool ours = true;  ///< has our comment

  friend bool operator==(const Table&, const Table&) = default;
};

[[nodiscard]] U128 pack_ifname(std::string_view name);
[[nodiscard]] std::string unpack_ifname(U128 key);
/// Bytes of a key in the kernel: 4 (kIpv4, kMark, kFibType) or 16.
[[nodiscard]] std::size_t key_size(KeyType type);
/// A key or key range as nft prints it: "10.0.0.0/8", "10.0.0.1-10.0.0.7", "0x00010000",
/// "\"tp-lon\"", "local".
[[nodiscard]] std::string key_text(KeyType type, U128 first, U128 last);

// ---- Statements: what the compiler composes rules of
// ---------------------------------------------

/// One clause of a rule: its nft text and its expressions, made together so that they agree.
struct Statement {
  std::string text;
  std::vector<Expr> exprs;
};

/// Joins statements into a rule; text is the clauses with single spaces.
[[nodiscard]] Rule make_rule(std::vector<Statement> statements, std::string comment = {});

}  // namespace arctic::nft
