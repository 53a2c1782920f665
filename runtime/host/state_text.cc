#include "runtime/host/state_text.h"

#include <fmt/format.h>

#include <iterator>

#include "schema/base/hash.h"

namespace arctic {
namespace {

using Text = fmt::memory_buffer;

template <class... Args>
void add(Text& out, fmt::format_string<Args...> form, Args&&... args) {
  fmt::format_to(std::back_inserter(out), form, std::forward<Args>(args)...);
}

std::string bytes_text(const std::vector<std::uint8_t>& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "0x";
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

struct ExprText {
  Text& out;

  static int direction(const std::optional<std::uint8_t>& value) { return value ? *value : -1; }

  void operator()(const nft::MetaLoad& e) const { add(out, "meta load {}", e.key); }
  void operator()(const nft::MetaSet& e) const { add(out, "meta set {}", e.key); }
  void operator()(const nft::CtLoad& e) const {
    add(out, "ct load {} {}", e.key, direction(e.direction));
  }
  void operator()(const nft::CtSet& e) const {
    add(out, "ct set {} {}", e.key, direction(e.direction));
  }
  void operator()(const nft::PayloadLoad& e) const {
    add(out, "payload {} {} {}", e.base, e.offset, e.length);
  }
  void operator()(const nft::Bitwise& e) const {
    add(out, "bitwise {} {}", bytes_text(e.mask), bytes_text(e.flip));
  }
  void operator()(const nft::Cmp& e) const {
    add(out, "cmp {} {}", static_cast<int>(e.op), bytes_text(e.data));
  }
  void operator()(const nft::ByteorderHton&) const { add(out, "hton"); }
  void operator()(const nft::LookupVerdict& e) const { add(out, "vmap {}", e.map); }
  void operator()(const nft::ImmediateData& e) const {
    add(out, "immediate {} {}", e.reg, bytes_text(e.data));
  }
  void operator()(const nft::ImmediateVerdict& e) const { add(out, "{}", e.verdict.to_string()); }
  void operator()(const nft::FibLoad& e) const { add(out, "fib {} {}", e.result, e.flags); }
  void operator()(const nft::SocketLoad& e) const { add(out, "socket {}", e.key); }
  void operator()(const nft::Tproxy& e) const { add(out, "tproxy {}", e.family); }
  void operator()(const nft::RejectExpr& e) const { add(out, "reject {} {}", e.type, e.code); }
  void operator()(const nft::Masquerade&) const { add(out, "masquerade"); }
  void operator()(const nft::Counter&) const { add(out, "counter"); }
  void operator()(const nft::UnknownExpr& e) const { add(out, "unknown {}", e.name); }
};

void add_key(Text& out, U128 key) {
  add(out, "{:x}:{:x}", static_cast<std::uint64_t>(key >> 64), static_cast<std::uint64_t>(key));
}

void add_chain(Text& out, const std::string& name, const nft::Chain& chain) {
  add(out, "chain {}", name);
  if (chain.hook) {
    add(out, " {} {} {} {}", chain.hook->type, chain.hook->number, chain.hook->priority,
        chain.hook->accept ? "accept" : "drop");
  }
  add(out, "\n");
  for (const nft::Rule& rule : chain.rules) {
    add(out, "rule {}:", name);
    for (const nft::Expr& expr : rule.exprs) {
      add(out, " ");
      std::visit(ExprText{out}, expr);
      add(out, ";");
    }
    add(out, " # {}\n", rule.comment);
  }
}

void add_map(Text& out, const std::string& name, const nft::Map& map) {
  add(out, "map {} {} {}\n", name, static_cast<int>(map.key), map.interval ? "interval" : "exact");
  for (const nft::Element& element : map.elements) {
    add(out, "element {} ", name);
    add_key(out, element.first);
    add(out, "-");
    add_key(out, element.last);
    add(out, " {} {} # {}\n", static_cast<int>(element.verdict.code), element.verdict.chain,
        element.comment);
  }
}

void add_table(Text& out, const nft::Table& table) {
  add(out, "table {}\n", table.ours ? "ours" : "foreign");
  for (const auto& [name, chain] : table.chains) add_chain(out, name, chain);
  for (const auto& [name, map] : table.maps) add_map(out, name, map);
  for (const std::string& what : table.strange) add(out, "strange {}\n", what);
}

void add_links(Text& out, const NodeState& state) {
  for (const auto& [name, link] : state.links) {
    add(out, "link {} kind {} parent {} alias {} mtu {} up {} queue {} multi {} arp {} {}\n", name,
        static_cast<int>(link.kind), link.parent, link.alias, link.mtu, link.up,
        link.tx_queue_length, link.multi_queue, !link.no_arp, link.detail);
  }
  for (const LinkAddress& address : state.addresses) {
    add(out, "address {} {} {}\n", address.link, address.address.to_string(), address.strange);
  }
}

void add_routing(Text& out, const NodeState& state) {
  for (const PolicyRoute& route : state.routes) {
    add(out, "route v{} table {} type {} metric {} dev {} {}\n", static_cast<int>(route.family),
        route.table, static_cast<int>(route.type), route.metric, route.device, route.strange);
  }
  for (const PolicyRule& rule : state.rules) {
    add(out, "policy v{} {} iif {} mark {}/{:x} action {} {} {}\n", static_cast<int>(rule.family),
        rule.preference, rule.iif, rule.mark ? fmt::format("{:x}", *rule.mark) : "any", rule.mask,
        static_cast<int>(rule.action), rule.target, rule.strange);
  }
}

}  // namespace

std::string state_text(const NodeState& state) {
  Text out;
  add_links(out, state);
  add_routing(out, state);
  for (const auto& [path, sysctl] : state.sysctls) add(out, "sysctl {} = {}\n", path, sysctl.value);
  for (const auto& [path, file] : state.files) {
    add(out, "file {} {} {}\n", path, hex(blake2b_256(file.content)), file.detail);
  }
  if (state.table) add_table(out, *state.table);
  return fmt::to_string(out);
}

}  // namespace arctic
