#include "compiler/statements.h"

#include <fmt/format.h>

#include <cstring>

#include "compiler/nft_numbers.h"

namespace arctic::nft {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Marks, states and interface indices are in host order in the kernel's registers.
template <class T>
Bytes host_bytes(T value) {
  Bytes bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

Bytes network_bytes(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

Expr equals(Bytes data) { return Cmp{CmpOp::kEqual, std::move(data)}; }

Expr masked(std::uint32_t mask, std::uint32_t flip = 0) {
  return Bitwise{host_bytes(mask), host_bytes(flip)};
}

Expr load(Mark mark) {
  if (mark == Mark::kPacket) return MetaLoad{kMetaMark};
  return CtLoad{kCtMark, std::nullopt};
}

const char* word(Mark mark) { return mark == Mark::kPacket ? "meta mark" : "ct mark"; }

const char* protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case kProtoIcmp:
      return "icmp";
    case kProtoIcmpv6:
      return "ipv6-icmp";
    default:
      return "tcp";
  }
}

/// In a table of both families nft puts this before anything that reads a network header.
Statement only(Family family) {
  const std::uint8_t nfproto = family == Family::kIpv4 ? kNfprotoIpv4 : kNfprotoIpv6;
  return {{}, {MetaLoad{kMetaNfproto}, equals({nfproto})}};
}

std::string address_word(Family family, Side side) {
  return fmt::format("{} {}", family == Family::kIpv4 ? "ip" : "ip6",
                     side == Side::kSource ? "saddr" : "daddr");
}

/// A prefix that ends with a byte is compared as far as it goes; any other, /0 too, as a whole
/// address under its mask.
void add_network(Statement& statement, Side side, const Prefix& prefix) {
  const auto bytes_of = [&](U128 bits) {
    const Address address{prefix.family, bits};
    const auto bytes = address.bytes();
    return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(address.size()));
  };
  const auto key = prefix.family == Family::kIpv4 ? KeyType::kIpv4 : KeyType::kIpv6;
  if (!statement.text.empty()) statement.text += ' ';
  statement.text += address_word(prefix.family, side) + ' ';
  statement.text += key_text(key, prefix.first(), prefix.last());
  Bytes value = bytes_of(prefix.bits);
  const bool whole_bytes = prefix.length != 0 && prefix.length % 8 == 0;
  if (whole_bytes) value.resize(prefix.length / 8U);
  statement.exprs.emplace_back(PayloadLoad{kNetworkHeader, address_offset(prefix.family, side),
                                           static_cast<std::uint32_t>(value.size())});
  if (!whole_bytes) {
    const U128 hosts = prefix.last() - prefix.first();
    const Bytes mask = bytes_of(max_address(prefix.family) ^ hosts);
    statement.exprs.emplace_back(Bitwise{mask, Bytes(mask.size())});
  }
  statement.exprs.push_back(equals(std::move(value)));
}

}  // namespace

Statement iif_lo() {
  return {"iif \"lo\"", {MetaLoad{kMetaIif}, equals(host_bytes(kLoopbackIndex))}};
}

Statement l4proto(std::uint8_t protocol, bool equal) {
  return {fmt::format("meta l4proto {}{}", equal ? "" : "!= ", protocol_name(protocol)),
          {MetaLoad{kMetaL4proto}, Cmp{equal ? CmpOp::kEqual : CmpOp::kNotEqual, {protocol}}}};
}

Statement socket_transparent() {
  return {"socket transparent 1", {SocketLoad{kSocketTransparent}, equals({1})}};
}

Statement ct_reply() {
  return {"ct direction reply", {CtLoad{kCtDirection, std::nullopt}, equals({kDirectionReply})}};
}

Statement ct_untracked() {
  return {"ct state untracked",
          {CtLoad{kCtState, std::nullopt}, masked(kStateUntracked),
           Cmp{CmpOp::kNotEqual, host_bytes(std::uint32_t{0})}}};
}

Statement mark_is(Mark mark, std::uint32_t mask, std::uint32_t value, bool equal) {
  return {
      fmt::format("{} and {:#010x} {} {:#010x}", word(mark), mask, equal ? "==" : "!=", value),
      {load(mark), masked(mask), Cmp{equal ? CmpOp::kEqual : CmpOp::kNotEqual, host_bytes(value)}}};
}

Statement ct_mark_between(std::uint32_t mask, std::uint32_t first, std::uint32_t last) {
  return {fmt::format("ct mark and {:#010x} {:#010x}-{:#010x}", mask, first, last),
          {load(Mark::kConnection), masked(mask), ByteorderHton{},
           Cmp{CmpOp::kAtLeast, network_bytes(first)}, Cmp{CmpOp::kAtMost, network_bytes(last)}}};
}

Statement tcp_not_opening() {
  return {"tcp flags & (fin|syn|rst|ack) != syn",
          {MetaLoad{kMetaL4proto}, equals({kProtoTcp}),
           PayloadLoad{kTransportHeader, kTcpFlagsOffset, 1}, Bitwise{{kTcpFinSynRstAck}, {0}},
           Cmp{CmpOp::kNotEqual, {kTcpSyn}}}};
}

Statement address_in(const std::optional<Prefix>& source,
                     const std::optional<Prefix>& destination) {
  const Family family = (source ? source : destination)->family;
  Statement statement = only(family);
  if (source) add_network(statement, Side::kSource, *source);
  if (destination) add_network(statement, Side::kDestination, *destination);
  return statement;
}

Statement iifname_vmap(std::string_view map) {
  return {fmt::format("iifname vmap @{}", map),
          {MetaLoad{kMetaIifname}, LookupVerdict{std::string(map)}}};
}

Statement mark_vmap(Mark mark, std::uint32_t mask, std::string_view map) {
  return {fmt::format("{} and {:#010x} vmap @{}", word(mark), mask, map),
          {load(mark), masked(mask), LookupVerdict{std::string(map)}}};
}

Statement address_vmap(Family family, Side side, std::string_view map) {
  Statement statement = only(family);
  statement.text = fmt::format("{} vmap @{}", address_word(family, side), map);
  statement.exprs.emplace_back(PayloadLoad{kNetworkHeader, address_offset(family, side),
                                           family == Family::kIpv4 ? 4U : 16U});
  statement.exprs.emplace_back(LookupVerdict{std::string(map)});
  return statement;
}

Statement destination_type_vmap(std::string_view map) {
  return {fmt::format("fib daddr type vmap @{}", map),
          {FibLoad{kFibAddressType, kFibDestination}, LookupVerdict{std::string(map)}}};
}

Statement set_mark(Mark mark, std::uint32_t mask, std::uint32_t value) {
  Statement statement;
  statement.text = fmt::format("{0} set {0} and {1:#010x}", word(mark), ~mask);
  if (value != 0) statement.text += fmt::format(" or {:#010x}", value);
  statement.exprs = {load(mark), masked(~mask, value)};
  if (mark == Mark::kPacket) {
    statement.exprs.emplace_back(MetaSet{kMetaMark});
  } else {
    statement.exprs.emplace_back(CtSet{kCtMark, std::nullopt});
  }
  return statement;
}

Statement set_original_zone(std::uint16_t zone) {
  return {fmt::format("ct original zone set {}", zone),
          {ImmediateData{1, host_bytes(zone)}, CtSet{kCtZone, kDirectionOriginal}}};
}

Statement tproxy(Family family, std::uint16_t port) {
  const bool v4 = family == Family::kIpv4;
  Bytes loopback(v4 ? 4 : 16);
  loopback.back() = 1;
  if (v4) loopback.front() = 127;
  const Bytes port_bytes{static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)};
  return {fmt::format("tproxy {}:{}", v4 ? "ip to 127.0.0.1" : "ip6 to [::1]", port),
          {ImmediateData{1, std::move(loopback)}, ImmediateData{2, port_bytes},
           Tproxy{v4 ? kNfprotoIpv4 : kNfprotoIpv6}}};
}

Statement reject_tcp_reset() { return {"reject with tcp reset", {RejectExpr{kRejectTcpReset, 0}}}; }

Statement reject_prohibited() {
  return {"reject with icmpx admin-prohibited", {RejectExpr{kRejectIcmpx, kIcmpxAdminProhibited}}};
}

Statement masquerade() { return {"masquerade", {Masquerade{}}}; }

Statement counter() { return {"counter", {Counter{}}}; }

Statement verdict(const Verdict& verdict) {
  return {verdict.to_string(), {ImmediateVerdict{verdict}}};
}

Statement accept() { return verdict({VerdictCode::kAccept, {}}); }

Statement drop() { return verdict({VerdictCode::kDrop, {}}); }

Statement go_to(std::string_view chain) {
  return verdict({VerdictCode::kGoto, std::string(chain)});
}

}  // namespace arctic::nft
