#include <algorithm>
#include <utility>

#include "compiler/lower_parts.h"
#include "compiler/lower_sources.h"
#include "compiler/statements.h"

namespace arctic {
namespace {

using nft::make_rule;
using nft::Mark;

/// The routes of all services from a neighbour as pairs: what is left out in the file is any.
struct Reach {
  std::vector<Rule> rules;
  std::vector<RuleVerdict> verdicts;
};

Reach reach_of(const Neighbour& neighbour) {
  Reach reach;
  for (const Service* service : neighbour.arriving) {
    for (std::size_t i = 0; i < service->routes.size(); ++i) {
      const Route& route = service->routes[i];
      const Family family = (route.source ? route.source : route.destination)->value.family;
      Rule rule;
      rule.category = Category::kPair;
      rule.source = route.source ? route.source->value : any_prefix(family);
      rule.destination = route.destination ? route.destination->value : any_prefix(family);
      reach.rules.push_back(rule);
      RuleVerdict& verdict = reach.verdicts.emplace_back();
      verdict.comment = service->name.value + '/' + std::to_string(i);
    }
  }
  return reach;
}

/// Traffic through a MACVLAN may come from anywhere and go anywhere, so its service allows all.
const Service* unbounded(const Neighbour& neighbour) {
  const auto it = std::find_if(neighbour.arriving.begin(), neighbour.arriving.end(),
                               [](const Service* service) { return service->has_interface(); });
  return it == neighbour.arriving.end() ? nullptr : *it;
}

void add_allow(nft::Table& table, const Neighbour& neighbour) {
  const std::string chain = "allow_" + neighbour.name();
  std::vector<nft::Rule>& rules = table.chains[chain].rules;
  if (const Service* service = unbounded(neighbour)) {
    rules = {make_rule({nft::accept()}, service->name.value)};
    return;
  }
  rules.push_back(make_rule({nft::ct_reply(), nft::accept()}));
  const Reach reach = reach_of(neighbour);
  for (const Family family : kFamilies) {
    const SourceTable sources = source_table(reach.rules, family);
    const std::string map = chain + (family == Family::kIpv4 ? "4" : "6");
    for (nft::Rule& rule :
         add_sources(table, sources, {map, chain + '_', chain + '_'}, reach.verdicts)) {
      rules.push_back(std::move(rule));
    }
  }
  rules.push_back(make_rule({nft::counter(), nft::reject_prohibited()}));
}

void add_element(nft::Table& table, const char* map, U128 key, std::string chain) {
  table.maps[map].elements.push_back({key, key, {nft::VerdictCode::kGoto, std::move(chain)}, {}});
}

}  // namespace

void lower_neighbours(const NodeView& view, nft::Table& table) {
  const std::uint32_t mask = view.marks.mask();
  for (const Neighbour& neighbour : view.neighbours) {
    const std::string& name = neighbour.name();
    const std::uint32_t mark = view.marks.peer(neighbour.number);
    table.chains["zone_" + name].rules = {make_rule({nft::set_original_zone(neighbour.number)})};
    table.chains["in_" + name].rules = {
        make_rule({nft::ct_reply(), nft::accept()}),
        make_rule({nft::set_mark(Mark::kConnection, mask, mark), nft::accept()})};
    table.chains["to_" + name].rules = {
        make_rule({nft::set_mark(Mark::kPacket, mask, mark), nft::accept()})};
    add_allow(table, neighbour);

    const U128 device = nft::pack_ifname(neighbour.device);
    add_element(table, "zones", device, "zone_" + name);
    add_element(table, "tunnels", device, "in_" + name);
    add_element(table, "allow", device, "allow_" + name);
    add_element(table, "peer_marks", mark, "to_" + name);
  }
}

}  // namespace arctic
