#include "state_model.h"

#include <algorithm>
#include <stdexcept>

namespace arctic::test {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

void require(bool condition, const std::string& why) {
  if (!condition) refuse(why);
}

class Model {
 public:
  explicit Model(NodeState& state) : state_(state) {}

  void make(const Change& change) {
    std::visit([&](const auto& delta) { one(delta); }, change);
  }

  /// What a transaction must leave behind, whatever was so in between.
  void check_table() const {
    if (!state_.table) return;
    for (const auto& [name, chain] : state_.table->chains) {
      for (const nft::Rule& rule : chain.rules) check_names(rule);
    }
  }

 private:
  // ---- nftables

  nft::Table& table() {
    require(state_.table.has_value(), "there is no table");
    return *state_.table;
  }

  void one(const TableDelta& delta) {
    require(!delta.before || state_.table, "there is no table to remove");
    require(delta.before || !state_.table, "the table exists");
    state_.table.reset();
    if (delta.after) state_.table.emplace();
  }

  void one(const ChainDelta& delta) {
    auto& chains = table().chains;
    require(delta.before.has_value() != delta.after.has_value(), "a chain is made or removed");
    if (delta.after) {
      require(chains.count(delta.name) == 0, "chain exists: " + delta.name);
      chains[delta.name].hook = delta.after->hook;
      return;
    }
    const auto chain = chains.find(delta.name);
    require(chain != chains.end(), "no chain " + delta.name);
    require(chain->second.rules.empty(), "chain has rules: " + delta.name);
    require(!is_named(delta.name), "chain is named: " + delta.name);
    chains.erase(chain);
  }

  void one(const MapDelta& delta) {
    auto& maps = table().maps;
    require(delta.before.has_value() != delta.after.has_value(), "a map is made or removed");
    if (delta.after) {
      require(maps.count(delta.name) == 0, "map exists: " + delta.name);
      maps[delta.name] = {delta.after->key, delta.after->interval, {}};
      return;
    }
    const auto map = maps.find(delta.name);
    require(map != maps.end() && map->second.elements.empty(), "no empty map " + delta.name);
    for (const auto& [name, chain] : table().chains) {
      for (const nft::Rule& rule : chain.rules) {
        for (const nft::Expr& expr : rule.exprs) {
          const auto* lookup = std::get_if<nft::LookupVerdict>(&expr);
          require(lookup == nullptr || lookup->map != delta.name, "map is named: " + delta.name);
        }
      }
    }
    maps.erase(map);
  }

  void one(const ElementDelta& delta) {
    const auto map = table().maps.find(delta.name);
    require(map != table().maps.end(), "no map " + delta.name);
    std::vector<nft::Element>& elements = map->second.elements;
    if (delta.before) {
      const auto it = std::find(elements.begin(), elements.end(), delta.before->element);
      require(it != elements.end(), "no such element in " + delta.name);
      elements.erase(it);
    }
    if (!delta.after) return;
    const nft::Element& next = delta.after->element;
    check_chain(next.verdict);
    const auto place =
        std::find_if(elements.begin(), elements.end(),
                     [&](const nft::Element& element) { return element.last >= next.first; });
    require(place == elements.end() || next.last < place->first, "elements overlap");
    elements.insert(place, next);
  }

  void one(const NftRuleDelta& delta) {
    const auto chain = table().chains.find(delta.name);
    require(chain != table().chains.end(), "no chain " + delta.name);
    std::vector<nft::Rule>& rules = chain->second.rules;
    if (delta.before) {
      const auto it = std::find_if(rules.begin(), rules.end(), [&](const nft::Rule& rule) {
        return rule.handle == delta.before->handle && rule == *delta.before;
      });
      require(it != rules.end(), "no such rule in " + delta.name);
      rules.erase(it);
    }
    if (!delta.after) return;
    check_names(*delta.after);
    rules.push_back(*delta.after);
  }

  void check_chain(const nft::Verdict& verdict) const {
    if (verdict.chain.empty()) return;
    const auto chain = state_.table->chains.find(verdict.chain);
    require(chain != state_.table->chains.end(), "no chain " + verdict.chain);
    require(!chain->second.hook, "a verdict to a base chain");
  }

  void check_names(const nft::Rule& rule) const {
    for (const nft::Expr& expr : rule.exprs) {
      if (const auto* verdict = std::get_if<nft::ImmediateVerdict>(&expr)) {
        check_chain(verdict->verdict);
      }
      if (const auto* lookup = std::get_if<nft::LookupVerdict>(&expr)) {
        require(state_.table->maps.count(lookup->map) == 1, "no map " + lookup->map);
      }
    }
  }

  bool is_named(const std::string& chain_name) {
    for (const auto& [name, map] : table().maps) {
      for (const nft::Element& element : map.elements) {
        if (element.verdict.chain == chain_name) return true;
      }
    }
    for (const auto& [name, chain] : table().chains) {
      for (const nft::Rule& rule : chain.rules) {
        for (const nft::Expr& expr : rule.exprs) {
          const auto* verdict = std::get_if<nft::ImmediateVerdict>(&expr);
          if (verdict != nullptr && verdict->verdict.chain == chain_name) return true;
        }
      }
    }
    return false;
  }

  // ---- Links, addresses, routes, rules

  void drop_routes(const std::string& link, bool ipv4_only) {
    std::erase_if(state_.routes, [&](const PolicyRoute& route) {
      return route.device == link && (!ipv4_only || route.family == Family::kIpv4);
    });
  }

  void one(const LinkDelta& delta) {
    if (!delta.after) {
      require(state_.links.erase(delta.name) == 1, "no link " + delta.name);
      drop_routes(delta.name, false);
      std::erase_if(state_.addresses,
                    [&](const LinkAddress& address) { return address.link == delta.name; });
      std::erase_if(state_.sysctls,
                    [&](const auto& item) { return item.second.of_link == delta.name; });
      return;
    }
    const auto old = state_.links.find(delta.name);
    require(delta.before.has_value() == (old != state_.links.end()), "link: " + delta.name);
    if (delta.before) {
      require(old->second.kind == delta.after->kind && old->second.parent == delta.after->parent &&
                  old->second.multi_queue == delta.after->multi_queue && old->second.detail.empty(),
              "a link cannot become that: " + delta.name);
      if (!delta.after->up) drop_routes(delta.name, false);
    }
    state_.links[delta.name] = *delta.after;
  }

  void one(const AddressDelta& delta) {
    if (delta.after) {
      require(state_.links.count(delta.after->link) == 1, "address without link");
      state_.addresses.insert(*delta.after);
      return;
    }
    // One that another of its subnet took along is gone already, and the host is content.
    state_.addresses.erase(*delta.before);
    const Family family = delta.before->address.address.family;
    if (family != Family::kIpv4) return;
    // As with promote_secondaries = 0, and the one that goes being the first of its subnet.
    std::erase_if(state_.addresses, [&](const LinkAddress& other) {
      return other.link == delta.before->link &&
             other.address.network() == delta.before->address.network();
    });
    const bool left = std::any_of(
        state_.addresses.begin(), state_.addresses.end(), [&](const LinkAddress& other) {
          return other.link == delta.before->link && other.address.address.family == family;
        });
    if (!left) drop_routes(delta.before->link, true);
  }

  void one(const RouteDelta& delta) {
    if (delta.before) require(state_.routes.erase(*delta.before) == 1, "no such route");
    if (!delta.after) return;
    const PolicyRoute& next = *delta.after;
    for (const PolicyRoute& route : state_.routes) {
      require(std::tie(route.family, route.table, route.metric) !=
                  std::tie(next.family, next.table, next.metric),
              "a route is in that place");
    }
    if (!next.device.empty() && next.device != "lo") {
      const auto link = state_.links.find(next.device);
      require(link != state_.links.end() && link->second.up, "route by a missing or down link");
    }
    state_.routes.insert(next);
  }

  void one(const RuleDelta& delta) {
    if (delta.before) require(state_.rules.erase(*delta.before) == 1, "no such rule");
    if (delta.after) require(state_.rules.insert(*delta.after).second, "the rule exists");
  }

  void one(const SysctlDelta& delta) {
    if (!delta.after) {
      state_.sysctls.erase(delta.name);
      return;
    }
    const std::string& link = delta.after->of_link;
    require(link.empty() || state_.links.count(link) == 1, "sysctl without link: " + delta.name);
    Sysctl& sysctl = state_.sysctls[delta.name];
    const std::optional<std::string> before = sysctl.before;
    sysctl = *delta.after;
    sysctl.before = before;
  }

  void one(const FileDelta& delta) {
    state_.files.erase(delta.name);
    if (delta.after) state_.files[delta.name] = *delta.after;
  }

  NodeState& state_;
};

}  // namespace

void make_changes(NodeState& state, const Changes& changes) {
  Model model(state);
  for (const std::vector<Change>* phase :
       {&changes.prepare, &changes.nft, &changes.files, &changes.retire}) {
    for (const Change& change : *phase) model.make(change);
    model.check_table();
  }
}

bool same_state(const NodeState& a, const NodeState& b) {
  const auto same_sysctls =
      std::equal(a.sysctls.begin(), a.sysctls.end(), b.sysctls.begin(), b.sysctls.end(),
                 [](const auto& x, const auto& y) {
                   return x.first == y.first && x.second.value == y.second.value;
                 });
  return a.table == b.table && a.links == b.links && a.addresses == b.addresses &&
         a.routes == b.routes && a.rules == b.rules && same_sysctls && a.files == b.files;
}

}  // namespace arctic::test
