// nftables values: names, keys, and the two faces of each statement.
#include "compiler/nft.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <catch2/catch.hpp>

#include "compiler/nft_numbers.h"
#include "compiler/statements.h"
#include "tests/compiler/network_conditions.h"

namespace arctic::nft {
namespace {

U128 number(const char* address) { return parse_address(address)->bits; }

TEST_CASE("a key is shown as nft shows it") {
  struct Row {
    KeyType type;
    U128 first, last;
    const char* text;
  };
  const U128 v6 = number("2001:db8::");
  const Row rows[] = {
      {KeyType::kIpv4, number("10.0.0.0"), number("10.255.255.255"), "10.0.0.0/8"},
      {KeyType::kIpv4, number("10.0.0.1"), number("10.0.0.1"), "10.0.0.1"},
      {KeyType::kIpv4, number("10.0.0.1"), number("10.0.0.7"), "10.0.0.1-10.0.0.7"},
      {KeyType::kIpv4, number("10.0.0.8"), number("10.0.0.11"), "10.0.0.8/30"},
      {KeyType::kIpv4, number("10.0.0.4"), number("10.0.0.11"), "10.0.0.4-10.0.0.11"},
      {KeyType::kIpv4, 0, number("255.255.255.255"), "0.0.0.0/0"},
      {KeyType::kIpv4, 0, number("127.255.255.255"), "0.0.0.0/1"},
      {KeyType::kIpv4, number("255.255.255.255"), number("255.255.255.255"), "255.255.255.255"},
      {KeyType::kIpv6, v6, v6 | ~(~U128{0} << 96), "2001:db8::/32"},
      {KeyType::kIpv6, v6, v6, "2001:db8::"},
      {KeyType::kIpv6, v6, v6 + 1, "2001:db8::/127"},
      {KeyType::kIpv6, v6 + 1, v6 + 2, "2001:db8::1-2001:db8::2"},
      {KeyType::kIpv6, 0, ~U128{0}, "::/0"},
      {KeyType::kIpv6, U128{1} << 127, ~U128{0}, "8000::/1"},
      {KeyType::kMark, 0x10000, 0x10000, "0x00010000"},
      {KeyType::kIfname, pack_ifname("tp-lon"), pack_ifname("tp-lon"), "\"tp-lon\""},
      {KeyType::kFibType, kTypeMulticast, kTypeMulticast, "multicast"},
  };
  for (const Row& row : rows) CHECK(key_text(row.type, row.first, row.last) == row.text);
}

TEST_CASE("an interface name is a key and comes back") {
  for (const char* name : {"a", "tp-lon", "svc-0123456789a"}) {
    CHECK(unpack_ifname(pack_ifname(name)) == name);
  }
  CHECK(pack_ifname("a") == U128{'a'} << 120);
  CHECK(key_size(KeyType::kIfname) == 16);
  CHECK(key_size(KeyType::kIpv6) == 16);
  CHECK(key_size(KeyType::kIpv4) == 4);
  CHECK(key_size(KeyType::kMark) == 4);
  CHECK(key_size(KeyType::kFibType) == 4);
}

TEST_CASE("our numbers are the kernel's") {
  CHECK(kMetaMark == NFT_META_MARK);
  CHECK(kMetaIif == NFT_META_IIF);
  CHECK(kMetaIifname == NFT_META_IIFNAME);
  CHECK(kMetaNfproto == NFT_META_NFPROTO);
  CHECK(kMetaL4proto == NFT_META_L4PROTO);
  CHECK(kCtState == NFT_CT_STATE);
  CHECK(kCtDirection == NFT_CT_DIRECTION);
  CHECK(kCtMark == NFT_CT_MARK);
  CHECK(kCtZone == NFT_CT_ZONE);
  CHECK(kNetworkHeader == NFT_PAYLOAD_NETWORK_HEADER);
  CHECK(kTransportHeader == NFT_PAYLOAD_TRANSPORT_HEADER);
  CHECK(kFibAddressType == NFT_FIB_RESULT_ADDRTYPE);
  CHECK(kFibDestination == NFTA_FIB_F_DADDR);
  CHECK(kSocketTransparent == NFT_SOCKET_TRANSPARENT);
  CHECK(kRejectTcpReset == NFT_REJECT_TCP_RST);
  CHECK(kRejectIcmpx == NFT_REJECT_ICMPX_UNREACH);
  CHECK(kIcmpxAdminProhibited == NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
  CHECK(kNfprotoIpv4 == NFPROTO_IPV4);
  CHECK(kNfprotoIpv6 == NFPROTO_IPV6);
  CHECK(kHookPrerouting == NF_INET_PRE_ROUTING);
  CHECK(kHookInput == NF_INET_LOCAL_IN);
  CHECK(kHookForward == NF_INET_FORWARD);
  CHECK(kHookOutput == NF_INET_LOCAL_OUT);
  CHECK(kHookPostrouting == NF_INET_POST_ROUTING);
  CHECK(static_cast<int>(CmpOp::kEqual) == NFT_CMP_EQ);
  CHECK(static_cast<int>(CmpOp::kNotEqual) == NFT_CMP_NEQ);
  CHECK(static_cast<int>(CmpOp::kLess) == NFT_CMP_LT);
  CHECK(static_cast<int>(CmpOp::kAtMost) == NFT_CMP_LTE);
  CHECK(static_cast<int>(CmpOp::kMore) == NFT_CMP_GT);
  CHECK(static_cast<int>(CmpOp::kAtLeast) == NFT_CMP_GTE);
}

std::vector<Statement> every_statement() {
  const std::uint32_t mask = 0x1fff0000;
  std::vector<Statement> all = {iif_lo(),
                                socket_transparent(),
                                ct_reply(),
                                ct_untracked(),
                                tcp_not_opening(),
                                ct_mark_between(mask, 0x00010000, 0x0fa00000),
                                iifname_vmap("tunnels"),
                                destination_type_vmap("address_types"),
                                set_original_zone(3000),
                                reject_tcp_reset(),
                                reject_prohibited(),
                                masquerade(),
                                counter(),
                                accept(),
                                drop(),
                                go_to("svc_x"),
                                verdict({VerdictCode::kJump, "from_10.0.0.0/8"})};
  for (const bool equal : {true, false}) {
    for (const std::uint8_t protocol : {kProtoTcp, kProtoIcmp, kProtoIcmpv6}) {
      all.push_back(l4proto(protocol, equal));
    }
    for (const Mark mark : {Mark::kPacket, Mark::kConnection}) {
      all.push_back(mark_is(mark, mask, 0x0ff30000, equal));
    }
  }
  for (const Mark mark : {Mark::kPacket, Mark::kConnection}) {
    all.push_back(mark_vmap(mark, mask, "capture"));
    all.push_back(set_mark(mark, mask, 0x10020000));
    all.push_back(set_mark(mark, mask, 0));
  }
  for (const Family family : kFamilies) {
    all.push_back(tproxy(family, 20002));
    for (const Side side : {Side::kSource, Side::kDestination}) {
      all.push_back(address_vmap(family, side, "pair_10.0.0.0/8"));
    }
  }
  for (const auto& [source, destination] :
       {std::pair("10.0.0.0/8", "192.168.0.0/15"), std::pair("0.0.0.0/0", "10.1.2.3/32"),
        std::pair("::/0", "fe80::/10"), std::pair("2001:db8::1/128", "2001:db8:1::/48")}) {
    all.push_back(address_in(parse_prefix(source), std::nullopt));
    all.push_back(address_in(std::nullopt, parse_prefix(destination)));
    all.push_back(address_in(parse_prefix(source), parse_prefix(destination)));
  }
  return all;
}

TEST_CASE("the text of a statement comes back from its expressions") {
  for (const Statement& statement : every_statement())
    CHECK(text_of(statement.exprs) == statement.text);
  for (const Statement& statement : test::network_conditions())
    CHECK(text_of(statement.exprs) == statement.text);
}

TEST_CASE("networks are compared as far as their bytes go, or as addresses under a mask") {
  using Bytes = std::vector<std::uint8_t>;
  const MetaLoad nfproto{kMetaNfproto};
  const Cmp ipv4{CmpOp::kEqual, {kNfprotoIpv4}};
  const Statement both = address_in(parse_prefix("10.1.0.0/16"), parse_prefix("192.168.100.0/23"));
  CHECK(both.text == "ip saddr 10.1.0.0/16 ip daddr 192.168.100.0/23");
  CHECK(both.exprs == std::vector<Expr>{nfproto, ipv4, PayloadLoad{kNetworkHeader, 12, 2},
                                        Cmp{CmpOp::kEqual, {10, 1}},
                                        PayloadLoad{kNetworkHeader, 16, 4},
                                        Bitwise{{255, 255, 254, 0}, Bytes(4)},
                                        Cmp{CmpOp::kEqual, {192, 168, 100, 0}}});
  const Statement any = address_in(parse_prefix("0.0.0.0/0"), std::nullopt);
  CHECK(any.text == "ip saddr 0.0.0.0/0");
  CHECK(any.exprs == std::vector<Expr>{nfproto, ipv4, PayloadLoad{kNetworkHeader, 12, 4},
                                       Bitwise{Bytes(4), Bytes(4)}, Cmp{CmpOp::kEqual, Bytes(4)}});
  const Statement six = address_in(std::nullopt, parse_prefix("2001:db8:100::/40"));
  CHECK(six.text == "ip6 daddr 2001:db8:100::/40");
  CHECK(six.exprs == std::vector<Expr>{nfproto, Cmp{CmpOp::kEqual, {kNfprotoIpv6}},
                                       PayloadLoad{kNetworkHeader, 24, 5},
                                       Cmp{CmpOp::kEqual, {0x20, 1, 0x0d, 0xb8, 1}}});
}

TEST_CASE("what only looks like a condition on networks is shown in brackets") {
  const Statement real = address_in(parse_prefix("10.0.0.0/15"), std::nullopt);
  const auto spoiled = [&](std::size_t at, const Expr& expr) {
    std::vector<Expr> exprs = real.exprs;
    exprs[at] = expr;
    return text_of(exprs);
  };
  CHECK(spoiled(1, Cmp{CmpOp::kEqual, {kNfprotoIpv6}}).front() == '[');
  CHECK(spoiled(2, PayloadLoad{kNetworkHeader, 13, 4}).front() == '[');
  CHECK(spoiled(3, Bitwise{{255, 253, 0, 0}, {0, 0, 0, 0}}).front() == '[');
  CHECK(spoiled(3, Bitwise{std::vector<std::uint8_t>(40, 255), {}}).front() == '[');
  CHECK(spoiled(4, Cmp{CmpOp::kNotEqual, {10, 0, 0, 0}}).front() == '[');
  CHECK(spoiled(4, Cmp{CmpOp::kEqual, std::vector<std::uint8_t>(40, 1)}).front() == '[');
}

TEST_CASE("the text of a rule comes back from its expressions, however its statements follow") {
  const std::vector<Statement> all = every_statement();
  for (const Statement& first : all) {
    for (const Statement& second : all) {
      const Rule rule = make_rule({first, second});
      // Set mark with nothing left out reads like a condition's beginning; both are said in full.
      CHECK(text_of(rule.exprs) == rule.text);
      CHECK(rule.text == first.text + ' ' + second.text);
    }
  }
}

TEST_CASE("what is not ours is shown in brackets") {
  CHECK(text_of({UnknownExpr{"quota"}, ImmediateVerdict{}}) == "[quota] accept");
  CHECK(text_of({MetaLoad{12}, ImmediateVerdict{}}) == "[meta] accept");
}

TEST_CASE("rules are equal by what the kernel runs") {
  Rule a = make_rule({counter(), accept()}, "x");
  Rule b = a;
  std::get<Counter>(b.exprs[0]).packets = 7;
  b.text.clear();
  b.handle = 9;
  CHECK(a == b);
  b.comment += "y";
  CHECK_FALSE(a == b);
  b = make_rule({accept(), counter()}, "x");
  CHECK_FALSE(a == b);
  CHECK_FALSE(Expr(UnknownExpr{"quota"}) == Expr(UnknownExpr{"quota"}));
}

TEST_CASE("a hook is shown with the nearest name") {
  struct Row {
    Hook hook;
    const char* text;
  };
  const Row rows[] = {
      {{"filter", kHookPrerouting, -300, true},
       "type filter hook prerouting priority raw; policy accept;"},
      {{"filter", kHookPrerouting, -149, true},
       "type filter hook prerouting priority mangle + 1; policy accept;"},
      {{"route", kHookOutput, -155, false},
       "type route hook output priority mangle - 5; policy drop;"},
      {{"nat", kHookPostrouting, 100, true},
       "type nat hook postrouting priority srcnat; policy accept;"},
      {{"filter", kHookInput, -200, true}, "type filter hook input priority -200; policy accept;"},
  };
  for (const Row& row : rows) CHECK(text_of(row.hook) == row.text);
}

}  // namespace
}  // namespace arctic::nft
