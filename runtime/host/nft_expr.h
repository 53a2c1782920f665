// One nftables expression: the compiler's value ↔ libnftnl's object. Encode and decode side by
// side.
//
// Called by nft_write and nft_read. What the value cannot tell (another register, another flag) is
// decoded as UnknownExpr, so that a rule that the compiler would not write is never taken for ours.
#pragma once

#include "compiler/nft.h"

struct nftnl_expr;

namespace arctic::nft {

/// A new libnftnl object, owned by the caller. REQUIRES: `expr` is no UnknownExpr.
[[nodiscard]] nftnl_expr* encode_expr(const Expr& expr);
[[nodiscard]] Expr decode_expr(const nftnl_expr* expr);

/// NF_ACCEPT, NF_DROP, NFT_JUMP or NFT_GOTO, as 32 bits.
[[nodiscard]] std::uint32_t verdict_number(VerdictCode code);
/// nullopt for a verdict that we never write.
[[nodiscard]] std::optional<VerdictCode> verdict_code(std::int32_t number);

/// The kernel module that an expression needs, for messages; empty if it is always there.
[[nodiscard]] std::string module_of(const Expr& expr);

}  // namespace arctic::nft
