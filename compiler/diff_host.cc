#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "compiler/diff_parts.h"

namespace arctic {
namespace {

using Changes = std::vector<Change>;

constexpr std::uint32_t kUnmarkedRule = 5108;

/// In which order rules are made: targets of jumps first, and nothing sends packets to a table
/// before the exceptions from it stand. They go in reverse.
int place(const PolicyRule& rule) {
  constexpr std::uint32_t kOrder[] = {5119, 5109, 5110, kUnmarkedRule, 5102, 5101, 5100};
  const auto* end = std::end(kOrder);
  return static_cast<int>(std::find(std::begin(kOrder), end, rule.preference) - kOrder);
}

/// `unreachable` holds the door before anything else is in the table.
int place(const PolicyRoute& route) {
  switch (route.type) {
    case RouteType::kUnreachable:
      return 0;
    case RouteType::kLocal:
      return 1;
    case RouteType::kUnicast:
      break;
  }
  return 2;
}

template <class T>
void sort_by_place(std::vector<T>& values) {
  std::stable_sort(values.begin(), values.end(),
                   [](const T& a, const T& b) { return place(a) < place(b); });
}

template <class T>
std::vector<T> without(const std::set<T>& values, const std::set<T>& others) {
  std::vector<T> left;
  std::set_difference(values.begin(), values.end(), others.begin(), others.end(),
                      std::back_inserter(left));
  return left;
}

bool must_be_made_anew(const Link& actual, const Link& desired) {
  return actual.kind != desired.kind || actual.parent != desired.parent ||
         actual.multi_queue != desired.multi_queue || !actual.detail.empty();
}

bool is_ours(const Link& link) { return link.alias.rfind(kAliasPrefix, 0) == 0; }

/// Compares one pair of states; each member function adds one kind, in the order of its name's
/// place in run().
class HostDiff {
 public:
  HostDiff(const NodeState& actual, const NodeState& desired) : actual_(actual), desired_(desired) {
    for (const auto& [name, link] : desired.links) {
      const auto old = actual.links.find(name);
      if (old == actual.links.end()) {
        fresh_.insert(name);
      } else if (must_be_made_anew(old->second, link)) {
        fresh_.insert(name);
        remade_.insert(name);
      }
    }
  }

  HostChanges run() {
    links();
    link_sysctls();
    addresses();
    node_sysctls();
    std::vector<PolicyRoute> old_routes = routes();
    Changes late_rules = rules();
    move_to_retire(late_rules);
    sort_by_place(old_routes);
    for (auto route = old_routes.rbegin(); route != old_routes.rend(); ++route) {
      retire(RouteDelta{{}, *route, std::nullopt});
    }
    move_to_retire(old_addresses_);
    move_to_retire(old_links_);
    move_to_retire(old_sysctls_);
    return std::move(changes_);
  }

 private:
  template <class T>
  void prepare(T change) {
    changes_.prepare.emplace_back(std::move(change));
  }

  template <class T>
  void retire(T change) {
    changes_.retire.emplace_back(std::move(change));
  }

  void move_to_retire(Changes& changes) {
    for (Change& change : changes) retire(std::move(change));
  }

  /// A link takes its routes and addresses along. They go first and by themselves, so that undoing
  /// brings them back.
  void take_apart(const std::string& name, const Link& link) {
    for (const PolicyRoute& route : actual_.routes) {
      if (route.device == name) prepare(RouteDelta{{}, route, std::nullopt});
    }
    for (const LinkAddress& address : actual_.addresses) {
      if (address.link == name) prepare(AddressDelta{{}, address, std::nullopt});
    }
    prepare(LinkDelta{name, link, std::nullopt});
  }

  void links() {
    for (const auto& [name, link] : desired_.links) {
      const auto old = actual_.links.find(name);
      if (old == actual_.links.end()) {
        prepare(LinkDelta{name, std::nullopt, link});
      } else if (remade_.count(name) != 0) {
        take_apart(name, old->second);
        prepare(LinkDelta{name, std::nullopt, link});
      } else if (!(old->second == link)) {
        prepare(LinkDelta{name, old->second, link});
      }
    }
    for (const auto& [name, link] : actual_.links) {
      if (desired_.links.count(name) == 0 && is_ours(link)) {
        old_links_.emplace_back(LinkDelta{name, link, std::nullopt});
      }
    }
  }

  void sysctl(const std::string& path, const Sysctl& desired) {
    const auto old = actual_.sysctls.find(path);
    const bool known = old != actual_.sysctls.end() && fresh_.count(desired.of_link) == 0;
    if (known && old->second.value == desired.value) return;
    prepare(SysctlDelta{path, known ? std::optional(old->second) : std::nullopt, desired});
  }

  void link_sysctls() {
    for (const auto& [path, value] : desired_.sysctls) {
      if (!value.of_link.empty()) sysctl(path, value);
    }
  }

  void node_sysctls() {
    for (const auto& [path, value] : desired_.sysctls) {
      if (value.of_link.empty()) sysctl(path, value);
    }
    for (const auto& [path, value] : actual_.sysctls) {
      if (value.before && desired_.sysctls.count(path) == 0) {
        old_sysctls_.emplace_back(SysctlDelta{path, value, std::nullopt});
      }
    }
  }

  /// Removing an IPv4 address may take others of its subnet along (promote_secondaries), so such a
  /// one goes before its successor comes.
  [[nodiscard]] bool has_successor(const LinkAddress& old) const {
    return old.address.address.family == Family::kIpv4 &&
           std::any_of(desired_.addresses.begin(), desired_.addresses.end(),
                       [&](const LinkAddress& next) { return same_subnet(old, next); });
  }

  static bool same_subnet(const LinkAddress& a, const LinkAddress& b) {
    return a.link == b.link && a.address.network() == b.address.network();
  }

  void addresses() {
    std::vector<LinkAddress> gone_early;
    for (const LinkAddress& old : without(actual_.addresses, desired_.addresses)) {
      if (remade_.count(old.link) != 0) continue;
      if (has_successor(old)) {
        prepare(AddressDelta{{}, old, std::nullopt});
        gone_early.push_back(old);
      } else {
        old_addresses_.emplace_back(AddressDelta{{}, old, std::nullopt});
      }
    }
    for (const LinkAddress& next : desired_.addresses) {
      const bool perhaps_gone =
          std::any_of(gone_early.begin(), gone_early.end(),
                      [&](const LinkAddress& old) { return same_subnet(old, next); });
      if (fresh_.count(next.link) == 0 && actual_.addresses.count(next) != 0 && !perhaps_gone) {
        continue;
      }
      prepare(AddressDelta{{}, std::nullopt, next});
    }
  }

  /// A route that has the place of another (table and metric) replaces it. Returns those that go.
  std::vector<PolicyRoute> routes() {
    std::set<PolicyRoute> standing;
    for (const PolicyRoute& route : actual_.routes) {
      if (remade_.count(route.device) == 0) standing.insert(route);
    }
    const auto key = [](const PolicyRoute& route) {
      return std::tuple(route.family, route.table, route.metric);
    };
    std::multimap<decltype(key(PolicyRoute{})), PolicyRoute> old;
    std::vector<PolicyRoute> left;
    for (const PolicyRoute& route : without(standing, desired_.routes)) {
      if (route.strange.empty()) {
        old.emplace(key(route), route);
      } else {
        left.push_back(route);
      }
    }
    std::vector<PolicyRoute> next = without(desired_.routes, standing);
    sort_by_place(next);
    for (const PolicyRoute& route : next) {
      const auto replaced = old.find(key(route));
      if (replaced == old.end()) {
        prepare(RouteDelta{{}, std::nullopt, route});
      } else {
        prepare(RouteDelta{{}, replaced->second, route});
        old.erase(replaced);
      }
    }
    for (const auto& item : old) left.push_back(item.second);
    return left;
  }

  /// Returns what is done with rules after the transaction, in order.
  Changes rules() {
    std::vector<PolicyRule> old = without(actual_.rules, desired_.rules);
    std::vector<PolicyRule> next = without(desired_.rules, actual_.rules);
    sort_by_place(old);
    sort_by_place(next);
    const auto is_unmarked = [](const PolicyRule& rule) {
      return rule.preference == kUnmarkedRule;
    };
    // 5108 lets packets without our marks pass by. With another mask it takes marked packets of the
    // other kind for unmarked, and they would leave in the clear: neither may stand while both are
    // about. It only saves time, so it is missing meanwhile.
    const bool new_mask = std::any_of(old.begin(), old.end(), is_unmarked) &&
                          std::any_of(next.begin(), next.end(), is_unmarked);
    Changes late;
    for (auto rule = old.rbegin(); rule != old.rend(); ++rule) {
      RuleDelta change{{}, *rule, std::nullopt};
      if (new_mask && is_unmarked(*rule)) {
        prepare(std::move(change));
      } else {
        late.emplace_back(std::move(change));
      }
    }
    for (const PolicyRule& rule : next) {
      RuleDelta change{{}, std::nullopt, rule};
      if (new_mask && is_unmarked(rule)) {
        late.emplace_back(std::move(change));
      } else {
        prepare(std::move(change));
      }
    }
    return late;
  }

  const NodeState& actual_;
  const NodeState& desired_;
  std::set<std::string> fresh_;   ///< links that are made
  std::set<std::string> remade_;  ///< of these, the ones that were there
  HostChanges changes_;
  Changes old_addresses_;
  Changes old_links_;
  Changes old_sysctls_;
};

}  // namespace

HostChanges diff_host(const NodeState& actual, const NodeState& desired) {
  return HostDiff(actual, desired).run();
}

}  // namespace arctic
