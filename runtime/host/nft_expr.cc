#include "runtime/host/nft_expr.h"

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>
#include <new>

namespace arctic::nft {
namespace {

// ---- Encode
// --------------------------------------------------------------------------------------

nftnl_expr* make(const char* name) {
  nftnl_expr* expr = nftnl_expr_alloc(name);
  if (expr == nullptr) throw std::bad_alloc();
  return expr;
}

void set(nftnl_expr* expr, std::uint16_t field, std::uint32_t value) {
  nftnl_expr_set_u32(expr, field, value);
}

void set(nftnl_expr* expr, std::uint16_t field, const std::vector<std::uint8_t>& bytes) {
  nftnl_expr_set(expr, field, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

struct Encode {
  nftnl_expr* operator()(const MetaLoad& value) const {
    nftnl_expr* expr = make("meta");
    set(expr, NFTNL_EXPR_META_KEY, value.key);
    set(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
    return expr;
  }
  nftnl_expr* operator()(const MetaSet& value) const {
    nftnl_expr* expr = make("meta");
    set(expr, NFTNL_EXPR_META_KEY, value.key);
    set(expr, NFTNL_EXPR_META_SREG, NFT_REG_1);
    return expr;
  }
  nftnl_expr* operator()(const CtLoad& value) const {
    return ct(value.key, value.direction, NFTNL_EXPR_CT_DREG);
  }
  nftnl_expr* operator()(const CtSet& value) const {
    return ct(value.key, value.direction, NFTNL_EXPR_CT_SREG);
  }
  static nftnl_expr* ct(std::uint32_t key, std::optional<std::uint8_t> direction,
                        std::uint16_t reg) {
    nftnl_expr* expr = make("ct");
    set(expr, NFTNL_EXPR_CT_KEY, key);
    if (direction) nftnl_expr_set_u8(expr, NFTNL_EXPR_CT_DIR, *direction);
    set(expr, reg, NFT_REG_1);
    return expr;
  }
  nftnl_expr* operator()(const PayloadLoad& value) const {
    nftnl_expr* expr = make("payload");
    set(expr, NFTNL_EXPR_PAYLOAD_BASE, value.base);
    set(expr, NFTNL_EXPR_PAYLOAD_OFFSET, value.offset);
    set(expr, NFTNL_EXPR_PAYLOAD_LEN, value.length);
    set(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
    return expr;
  }
  nftnl_expr* operator()(const Bitwise& value) const {
    nftnl_expr* expr = make("bitwise");
    set(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    set(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
    set(expr, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
    set(expr, NFTNL_EXPR_BITWISE_LEN, static_cast<std::uint32_t>(value.mask.size()));
    set(expr, NFTNL_EXPR_BITWISE_MASK, value.mask);
    set(expr, NFTNL_EXPR_BITWISE_XOR, value.flip);
    return expr;
  }
  nftnl_expr* operator()(const Cmp& value) const {
    nftnl_expr* expr = make("cmp");
    set(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    set(expr, NFTNL_EXPR_CMP_OP, static_cast<std::uint32_t>(value.op));
    set(expr, NFTNL_EXPR_CMP_DATA, value.data);
    return expr;
  }
  nftnl_expr* operator()(const ByteorderHton&) const {
    nftnl_expr* expr = make("byteorder");
    set(expr, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
    set(expr, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
    set(expr, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
    set(expr, NFTNL_EXPR_BYTEORDER_LEN, std::uint32_t{4});
    set(expr, NFTNL_EXPR_BYTEORDER_SIZE, std::uint32_t{4});
    return expr;
  }
  nftnl_expr* operator()(const LookupVerdict& value) const {
    nftnl_expr* expr = make("lookup");
    set(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    set(expr, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, value.map.c_str());
    return expr;
  }
  nftnl_expr* operator()(const ImmediateData& value) const {
    nftnl_expr* expr = make("immediate");
    set(expr, NFTNL_EXPR_IMM_DREG, value.reg);
    set(expr, NFTNL_EXPR_IMM_DATA, value.data);
    return expr;
  }
  nftnl_expr* operator()(const ImmediateVerdict& value) const {
    nftnl_expr* expr = make("immediate");
    set(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    set(expr, NFTNL_EXPR_IMM_VERDICT, verdict_number(value.verdict.code));
    if (!value.verdict.chain.empty()) {
      nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, value.verdict.chain.c_str());
    }
    return expr;
  }
  nftnl_expr* operator()(const FibLoad& value) const {
    nftnl_expr* expr = make("fib");
    set(expr, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
    set(expr, NFTNL_EXPR_FIB_RESULT, value.result);
    set(expr, NFTNL_EXPR_FIB_FLAGS, value.flags);
    return expr;
  }
  nftnl_expr* operator()(const SocketLoad& value) const {
    nftnl_expr* expr = make("socket");
    set(expr, NFTNL_EXPR_SOCKET_KEY, value.key);
    set(expr, NFTNL_EXPR_SOCKET_DREG, NFT_REG_1);
    return expr;
  }
  nftnl_expr* operator()(const Tproxy& value) const {
    nftnl_expr* expr = make("tproxy");
    set(expr, NFTNL_EXPR_TPROXY_FAMILY, value.family);
    set(expr, NFTNL_EXPR_TPROXY_REG_ADDR, NFT_REG_1);
    set(expr, NFTNL_EXPR_TPROXY_REG_PORT, NFT_REG_2);
    return expr;
  }
  nftnl_expr* operator()(const RejectExpr& value) const {
    nftnl_expr* expr = make("reject");
    set(expr, NFTNL_EXPR_REJECT_TYPE, value.type);
    nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, value.code);
    return expr;
  }
  nftnl_expr* operator()(const Masquerade&) const { return make("masq"); }
  nftnl_expr* operator()(const Counter& value) const {
    nftnl_expr* expr = make("counter");
    nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_PACKETS, value.packets);
    nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_BYTES, value.bytes);
    return expr;
  }
  nftnl_expr* operator()(const UnknownExpr& value) const { return make(value.name.c_str()); }
};

// ---- Decode
// --------------------------------------------------------------------------------------

/// One libnftnl expression as it is read: every field that was asked for must be there, and none of
/// those that a value of ours does not have.
class Reader {
 public:
  explicit Reader(const nftnl_expr* expr) : expr_(expr) {}

  [[nodiscard]] bool has(std::uint16_t field) const { return nftnl_expr_is_set(expr_, field); }
  [[nodiscard]] std::uint32_t u32(std::uint16_t field) const {
    return has(field) ? nftnl_expr_get_u32(expr_, field) : 0;
  }
  [[nodiscard]] std::uint8_t u8(std::uint16_t field) const {
    return has(field) ? nftnl_expr_get_u8(expr_, field) : std::uint8_t{0};
  }
  [[nodiscard]] std::uint64_t u64(std::uint16_t field) const {
    return has(field) ? nftnl_expr_get_u64(expr_, field) : 0;
  }
  [[nodiscard]] bool is(std::uint16_t field, std::uint32_t value) const {
    return has(field) && nftnl_expr_get_u32(expr_, field) == value;
  }
  [[nodiscard]] std::string text(std::uint16_t field) const {
    const char* found = has(field) ? nftnl_expr_get_str(expr_, field) : nullptr;
    return found == nullptr ? std::string() : found;
  }
  [[nodiscard]] std::vector<std::uint8_t> bytes(std::uint16_t field) const {
    std::uint32_t size = 0;
    const auto* data = static_cast<const std::uint8_t*>(nftnl_expr_get(expr_, field, &size));
    return data == nullptr ? std::vector<std::uint8_t>()
                           : std::vector<std::uint8_t>(data, data + size);
  }

 private:
  const nftnl_expr* expr_;
};

using Decoded = std::optional<Expr>;  // nullopt: none that we write

Decoded decode_meta(const Reader& in) {
  if (in.is(NFTNL_EXPR_META_DREG, NFT_REG_1)) return MetaLoad{in.u32(NFTNL_EXPR_META_KEY)};
  if (in.is(NFTNL_EXPR_META_SREG, NFT_REG_1)) return MetaSet{in.u32(NFTNL_EXPR_META_KEY)};
  return std::nullopt;
}

Decoded decode_ct(const Reader& in) {
  std::optional<std::uint8_t> direction;
  if (in.has(NFTNL_EXPR_CT_DIR)) direction = in.u8(NFTNL_EXPR_CT_DIR);
  const std::uint32_t key = in.u32(NFTNL_EXPR_CT_KEY);
  if (in.is(NFTNL_EXPR_CT_DREG, NFT_REG_1)) return CtLoad{key, direction};
  if (in.is(NFTNL_EXPR_CT_SREG, NFT_REG_1)) return CtSet{key, direction};
  return std::nullopt;
}

Decoded decode_payload(const Reader& in) {
  if (!in.is(NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1)) return std::nullopt;
  return PayloadLoad{in.u32(NFTNL_EXPR_PAYLOAD_BASE), in.u32(NFTNL_EXPR_PAYLOAD_OFFSET),
                     in.u32(NFTNL_EXPR_PAYLOAD_LEN)};
}

Decoded decode_bitwise(const Reader& in) {
  if (!in.is(NFTNL_EXPR_BITWISE_SREG, NFT_REG_1) || !in.is(NFTNL_EXPR_BITWISE_DREG, NFT_REG_1) ||
      in.u32(NFTNL_EXPR_BITWISE_OP) != NFT_BITWISE_BOOL) {
    return std::nullopt;
  }
  Bitwise value{in.bytes(NFTNL_EXPR_BITWISE_MASK), in.bytes(NFTNL_EXPR_BITWISE_XOR)};
  const std::size_t length = in.u32(NFTNL_EXPR_BITWISE_LEN);
  if (value.mask.size() != length || value.flip.size() != length) return std::nullopt;
  return value;
}

Decoded decode_cmp(const Reader& in) {
  if (!in.is(NFTNL_EXPR_CMP_SREG, NFT_REG_1)) return std::nullopt;
  const std::uint32_t op = in.u32(NFTNL_EXPR_CMP_OP);
  if (op > static_cast<std::uint32_t>(CmpOp::kAtLeast)) return std::nullopt;
  return Cmp{static_cast<CmpOp>(op), in.bytes(NFTNL_EXPR_CMP_DATA)};
}

Decoded decode_byteorder(const Reader& in) {
  if (!in.is(NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1) ||
      !in.is(NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1) ||
      !in.is(NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON) || !in.is(NFTNL_EXPR_BYTEORDER_LEN, 4) ||
      !in.is(NFTNL_EXPR_BYTEORDER_SIZE, 4)) {
    return std::nullopt;
  }
  return ByteorderHton{};
}

Decoded decode_lookup(const Reader& in) {
  if (!in.is(NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1) ||
      !in.is(NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT)) {
    return std::nullopt;
  }
  return LookupVerdict{in.text(NFTNL_EXPR_LOOKUP_SET)};
}

Decoded decode_immediate(const Reader& in) {
  const std::uint32_t reg = in.u32(NFTNL_EXPR_IMM_DREG);
  if (reg != NFT_REG_VERDICT) {
    return ImmediateData{reg, in.bytes(NFTNL_EXPR_IMM_DATA)};
  }
  const auto number = static_cast<std::int32_t>(in.u32(NFTNL_EXPR_IMM_VERDICT));
  const auto code = verdict_code(number);
  if (!code) return std::nullopt;
  return ImmediateVerdict{{*code, in.text(NFTNL_EXPR_IMM_CHAIN)}};
}

Decoded decode_fib(const Reader& in) {
  if (!in.is(NFTNL_EXPR_FIB_DREG, NFT_REG_1)) return std::nullopt;
  return FibLoad{in.u32(NFTNL_EXPR_FIB_RESULT), in.u32(NFTNL_EXPR_FIB_FLAGS)};
}

Decoded decode_socket(const Reader& in) {
  if (!in.is(NFTNL_EXPR_SOCKET_DREG, NFT_REG_1) || in.u32(NFTNL_EXPR_SOCKET_LEVEL) != 0) {
    return std::nullopt;
  }
  return SocketLoad{in.u32(NFTNL_EXPR_SOCKET_KEY)};
}

Decoded decode_tproxy(const Reader& in) {
  if (!in.is(NFTNL_EXPR_TPROXY_REG_ADDR, NFT_REG_1) ||
      !in.is(NFTNL_EXPR_TPROXY_REG_PORT, NFT_REG_2)) {
    return std::nullopt;
  }
  return Tproxy{in.u32(NFTNL_EXPR_TPROXY_FAMILY)};
}

Decoded decode_reject(const Reader& in) {
  return RejectExpr{in.u32(NFTNL_EXPR_REJECT_TYPE), in.u8(NFTNL_EXPR_REJECT_CODE)};
}

Decoded decode_masquerade(const Reader& in) {
  if (in.u32(NFTNL_EXPR_MASQ_FLAGS) != 0 || in.has(NFTNL_EXPR_MASQ_REG_PROTO_MIN) ||
      in.has(NFTNL_EXPR_MASQ_REG_PROTO_MAX)) {
    return std::nullopt;
  }
  return Masquerade{};
}

Decoded decode_counter(const Reader& in) {
  return Counter{in.u64(NFTNL_EXPR_CTR_PACKETS), in.u64(NFTNL_EXPR_CTR_BYTES)};
}

struct Decoder {
  const char* name;
  Decoded (*decode)(const Reader&);
};

constexpr Decoder kDecoders[] = {
    {"meta", decode_meta},       {"ct", decode_ct},
    {"payload", decode_payload}, {"bitwise", decode_bitwise},
    {"cmp", decode_cmp},         {"byteorder", decode_byteorder},
    {"lookup", decode_lookup},   {"immediate", decode_immediate},
    {"fib", decode_fib},         {"socket", decode_socket},
    {"tproxy", decode_tproxy},   {"reject", decode_reject},
    {"masq", decode_masquerade}, {"counter", decode_counter},
};

}  // namespace

std::uint32_t verdict_number(VerdictCode code) {
  switch (code) {
    case VerdictCode::kAccept:
      return NF_ACCEPT;
    case VerdictCode::kDrop:
      return NF_DROP;
    case VerdictCode::kJump:
      return static_cast<std::uint32_t>(NFT_JUMP);
    case VerdictCode::kGoto:
      return static_cast<std::uint32_t>(NFT_GOTO);
  }
  return NF_DROP;
}

std::optional<VerdictCode> verdict_code(std::int32_t number) {
  switch (number) {
    case NF_ACCEPT:
      return VerdictCode::kAccept;
    case NF_DROP:
      return VerdictCode::kDrop;
    case NFT_JUMP:
      return VerdictCode::kJump;
    case NFT_GOTO:
      return VerdictCode::kGoto;
    default:
      return std::nullopt;
  }
}

nftnl_expr* encode_expr(const Expr& expr) { return std::visit(Encode{}, expr); }

Expr decode_expr(const nftnl_expr* expr) {
  const Reader reader(expr);
  const std::string name = reader.text(NFTNL_EXPR_NAME);
  for (const Decoder& decoder : kDecoders) {
    if (name != decoder.name) continue;
    if (auto decoded = decoder.decode(reader)) return *std::move(decoded);
  }
  return UnknownExpr{name};
}

std::string module_of(const Expr& expr) {
  if (std::holds_alternative<Tproxy>(expr)) return "nft_tproxy";
  if (std::holds_alternative<SocketLoad>(expr)) return "nft_socket";
  if (std::holds_alternative<FibLoad>(expr)) return "nft_fib_inet";
  if (std::holds_alternative<Masquerade>(expr)) return "nft_masq";
  if (std::holds_alternative<RejectExpr>(expr)) return "nft_reject_inet";
  if (std::holds_alternative<CtLoad>(expr) || std::holds_alternative<CtSet>(expr)) return "nft_ct";
  return {};
}

}  // namespace arctic::nft
