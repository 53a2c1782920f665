#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "compiler/lower_parts.h"
#include "compiler/nft_numbers.h"
#include "compiler/statements.h"

namespace arctic {
namespace {

using nft::make_rule;
using nft::Mark;
using nft::Rule;

Rule reset_rule() { return make_rule({nft::l4proto(nft::kProtoTcp), nft::reject_tcp_reset()}); }

nft::Element key_element(U128 key, nft::Verdict verdict, std::string comment = {}) {
  return {key, key, std::move(verdict), std::move(comment)};
}

/// TCP and ICMP errors of connections that a socket of the runtimes holds.
std::vector<Rule> own_socket_rules() {
  std::vector<Rule> rules;
  for (const std::uint8_t protocol : {nft::kProtoTcp, nft::kProtoIcmp, nft::kProtoIcmpv6}) {
    rules.push_back(
        make_rule({nft::l4proto(protocol), nft::socket_transparent(), nft::go_to("pegasus")}));
  }
  return rules;
}

/// What never leaves by a tunnel: the node's own addresses, broadcast, multicast, link-local.
std::vector<Rule> local_destination_rules() {
  return {make_rule({nft::destination_type_vmap("address_types")}),
          make_rule({nft::address_in(std::nullopt, kLinkLocalIpv6), nft::accept()})};
}

void append(std::vector<Rule>& rules, std::vector<Rule> more) {
  std::move(more.begin(), more.end(), std::back_inserter(rules));
}

std::vector<Rule> prerouting_rules(const Marks& marks) {
  const std::uint32_t transparent = marks.transparent();  // as a mask: TRANSPARENT or LOCAL
  std::vector<Rule> rules = {make_rule({nft::iif_lo(), nft::accept()}),
                             make_rule({nft::iifname_vmap("tunnels")})};
  append(rules, own_socket_rules());
  rules.push_back(
      make_rule({nft::ct_reply(), nft::mark_vmap(Mark::kConnection, marks.mask(), "peer_marks")}));
  rules.push_back(
      make_rule({nft::ct_reply(), nft::mark_is(Mark::kConnection, transparent, transparent, false),
                 nft::accept()}));
  rules.push_back(make_rule({nft::tcp_not_opening(), nft::go_to("old_tcp")}));
  append(rules, local_destination_rules());
  rules.push_back(make_rule({nft::go_to("classify")}));
  return rules;
}

std::vector<Rule> output_rules(const Marks& marks) {
  const std::uint32_t mask = marks.mask();
  std::vector<Rule> rules = {
      make_rule({nft::mark_is(Mark::kPacket, mask, marks.own()), nft::go_to("own")}),
      make_rule({nft::ct_reply(), nft::mark_is(Mark::kConnection, mask, marks.transparent()),
                 nft::set_mark(Mark::kPacket, mask, marks.local()), nft::accept()}),
      make_rule({nft::ct_reply(), nft::mark_vmap(Mark::kConnection, mask, "peer_marks")}),
      make_rule({nft::ct_reply(), nft::accept()}),
      make_rule({nft::ct_untracked(), nft::accept()}),
      make_rule({nft::tcp_not_opening(), nft::go_to("old_local")})};
  append(rules, local_destination_rules());
  rules.push_back(
      make_rule({nft::address_vmap(Family::kIpv4, nft::Side::kSource, "interface_addresses4")}));
  rules.push_back(
      make_rule({nft::address_vmap(Family::kIpv6, nft::Side::kSource, "interface_addresses6")}));
  rules.push_back(make_rule({nft::go_to("classify")}));
  return rules;
}

void add_base_chains(nft::Table& table, const Marks& marks) {
  const auto base = [&](const char* name, const char* type, std::uint32_t hook,
                        std::int32_t priority, std::vector<Rule> rules) {
    table.chains[name] = {nft::Hook{type, hook, priority, true}, std::move(rules)};
  };
  base("zoning", "filter", nft::kHookPrerouting, nft::kPriorityRaw,
       {make_rule({nft::iifname_vmap("zones")})});
  base("prerouting", "filter", nft::kHookPrerouting, nft::kPriorityMangle, prerouting_rules(marks));
  base("capture_tcp", "filter", nft::kHookPrerouting, nft::kPriorityMangle + 1,
       {make_rule({nft::mark_vmap(Mark::kPacket, marks.mask(), "capture")})});
  base("output", "route", nft::kHookOutput, nft::kPriorityMangle, output_rules(marks));
  base("forward", "filter", nft::kHookForward, nft::kPriorityFilter,
       {make_rule({nft::iifname_vmap("allow")})});
  base("input", "filter", nft::kHookInput, nft::kPriorityFilter,
       {make_rule({nft::iifname_vmap("allow")})});
  base("postrouting", "nat", nft::kHookPostrouting, nft::kPrioritySrcnat,
       {make_rule({nft::ct_mark_between(marks.mask(), marks.first_peer(), marks.last_peer()),
                   nft::masquerade()})});
}

/// The chains that base chains and services end in; the same on every node.
void add_shared_chains(nft::Table& table, const Marks& marks) {
  const std::uint32_t mask = marks.mask();
  const auto chain = [&](const char* name, std::vector<Rule> rules) {
    table.chains[name] = {std::nullopt, std::move(rules)};
  };
  const Rule accept = make_rule({nft::accept()});
  chain("pegasus",
        {make_rule({nft::set_mark(Mark::kPacket, mask, marks.forwarded()), nft::accept()})});
  chain("old_tcp",
        {make_rule({nft::l4proto(nft::kProtoTcp),
                    nft::mark_is(Mark::kConnection, marks.transparent(), marks.transparent()),
                    nft::reject_tcp_reset()}),
         accept});
  chain("old_local", {make_rule({nft::mark_is(Mark::kConnection, mask, marks.local()),
                                 nft::set_mark(Mark::kPacket, mask, marks.local())}),
                      accept});
  // The kernel itself resets nothing for an IPv4 address that is not its own: without this a local
  // process whose proxy vanished would wait in vain.
  chain("local_tcp",
        {make_rule({nft::l4proto(nft::kProtoTcp), nft::socket_transparent(), nft::accept()}),
         reset_rule()});
  chain("own", {make_rule({nft::socket_transparent(),
                           nft::set_mark(Mark::kConnection, mask, marks.transparent())}),
                accept});
  chain("down_reject", {reset_rule()});
  chain("down_direct", {make_rule({nft::iif_lo(), nft::go_to("down_reject")}),
                        make_rule({nft::set_mark(Mark::kConnection, mask, 0),
                                   nft::set_mark(Mark::kPacket, mask, 0), nft::accept()})});
  chain("down_drop", {make_rule({nft::drop()})});

  table.maps["capture"].elements.push_back(
      key_element(marks.local(), {nft::VerdictCode::kGoto, "local_tcp"}));
  nft::Map& types = table.maps["address_types"] = {nft::KeyType::kFibType, false, {}};
  for (const std::uint32_t type :
       {nft::kTypeLocal, nft::kTypeBroadcast, nft::kTypeAnycast, nft::kTypeMulticast}) {
    types.elements.push_back(key_element(type, {}));
  }
}

/// Category 1, for packets that come in by a MACVLAN and for those the node sends from its address.
void add_interface(nft::Table& table, const Entry& entry) {
  const nft::Verdict verdict{nft::VerdictCode::kGoto, "svc_" + entry.name()};
  table.maps["interface_routes"].elements.push_back(
      key_element(nft::pack_ifname(macvlan_name(*entry.service)), verdict, entry.name()));
  const Interface& interface = *entry.service->interface;
  for (const auto& address : {interface.ipv4, interface.ipv6}) {
    if (!address) continue;
    const bool v4 = address->value.address.family == Family::kIpv4;
    table.maps[v4 ? "interface_addresses4" : "interface_addresses6"].elements.push_back(
        key_element(address->value.address.bits, verdict, entry.name()));
  }
}

/// svc_NAME gives marks, in both hooks; tcp_NAME hands over to the listener, in prerouting alone.
void add_entry(nft::Table& table, const Entry& entry, const Marks& marks) {
  const std::uint32_t mask = marks.mask();
  const std::string& name = entry.name();
  table.chains["svc_" + name].rules = {
      make_rule(
          {nft::l4proto(nft::kProtoTcp, false), nft::counter(),
           nft::set_mark(Mark::kPacket, mask, marks.peer(entry.target->number)), nft::accept()},
          name),
      make_rule({nft::counter(), nft::set_mark(Mark::kConnection, mask, marks.local()),
                 nft::set_mark(Mark::kPacket, mask, marks.service(entry.number)), nft::accept()},
                name)};
  std::vector<Rule>& tcp = table.chains["tcp_" + name].rules;
  for (const Family family : kFamilies) {
    tcp.push_back(make_rule(
        {nft::l4proto(nft::kProtoTcp), nft::tproxy(family, entry.port()), nft::go_to("pegasus")},
        name));
  }
  const std::string down = std::string("down_") + to_string(entry.service->on_down.value);
  tcp.push_back(make_rule({nft::counter(), nft::go_to(down)}, name));
  table.maps["capture"].elements.push_back(
      key_element(marks.service(entry.number), {nft::VerdictCode::kGoto, "tcp_" + name}, name));
  if (entry.service->has_interface()) add_interface(table, entry);
}

void add_maps(nft::Table& table) {
  table.maps["tunnels"] = table.maps["zones"] = table.maps["allow"] =
      table.maps["interface_routes"] = {nft::KeyType::kIfname, false, {}};
  table.maps["peer_marks"] = table.maps["capture"] = {nft::KeyType::kMark, false, {}};
  table.maps["interface_addresses4"] = {nft::KeyType::kIpv4, false, {}};
  table.maps["interface_addresses6"] = {nft::KeyType::kIpv6, false, {}};
}

/// By key; of two elements with one key (two interfaces with one address) the first stays.
void sort_elements(nft::Map& map) {
  std::stable_sort(map.elements.begin(), map.elements.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
  map.elements.erase(std::unique(map.elements.begin(), map.elements.end(), same_key),
                     map.elements.end());
}

}  // namespace

nft::Table lower_table(const Config& config, const NodeView& view, const RulePlan& plan) {
  nft::Table table;
  add_maps(table);
  add_base_chains(table, view.marks);
  add_shared_chains(table, view.marks);
  for (const Entry& entry : view.entries) add_entry(table, entry, view.marks);
  lower_classify(config, plan, table);
  lower_neighbours(view, table);
  for (auto& [name, map] : table.maps) {
    if (!map.interval) sort_elements(map);
  }
  return table;
}

}  // namespace arctic
