#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "compiler/overruled.h"
#include "compiler/shadow.h"

namespace arctic {
namespace {

/// A peer's address, to be found in destinations.
struct PeerAddress {
  Address address;
  const Peer* peer = nullptr;
};

std::string in_words(const Rule& rule) {
  const auto text = [](const std::optional<Prefix>& prefix) {
    return prefix ? prefix->to_string() : std::string("any");
  };
  return text(rule.source) + " to " + text(rule.destination);
}

/// The order problems of one source peer's plan; at most one of each rule per route.
class OrderCheck {
 public:
  OrderCheck(const Config& config, const RulePlan& plan, const std::vector<PeerAddress>& peers,
             Diagnostics& diagnostics)
      : config_(config),
        rules_(plan.rules),
        peers_(peers),
        diagnostics_(diagnostics),
        done_(plan.rules.size()),
        first_of_match_(plan.rules.size()) {
    check_ties();
    const SourceTables tables = source_tables(rules_);
    check_unreached(shadowed(plan, tables));
    check_priorities(overruled(plan, tables));
    check_sources();
    check_destinations();
  }

 private:
  const Route& route_of(const Rule& rule) const {
    return config_.services[rule.service].routes[static_cast<std::size_t>(rule.route)];
  }

  std::string name_of(const Rule& rule) const {
    return "routes[" + std::to_string(rule.route) + "] of " +
           config_.services[rule.service].name.value;
  }

  static std::string priority_text(const Rule& rule) {
    return "`priority: " + std::to_string(rule.priority) + "`";
  }

  /// Rule 13. Of several equal ones the first in the file stands, the others are reported. Also
  /// finds the first of each match.
  void check_ties() {
    // Equal matches have equal lengths, and the plan is sorted by these before anything else: they
    // stand in one run of it.
    const auto lengths = [](const Rule& rule) {
      return std::tuple(rule.category, rule.source ? rule.source->length : -1,
                        rule.destination ? rule.destination->length : -1);
    };
    std::size_t first = 0;
    for (std::size_t i = 1; i <= rules_.size(); ++i) {
      if (i < rules_.size() && lengths(rules_[i]) == lengths(rules_[first])) continue;
      if (rules_[first].category != Category::kInterface) group_matches(first, i);
      first = i;
    }
  }

  /// For rules [begin, end), which have equal lengths.
  void group_matches(std::size_t begin, std::size_t end) {
    std::vector<std::size_t> order(end - begin);
    std::iota(order.begin(), order.end(), begin);
    const auto match = [&](std::size_t i) {
      return std::tie(rules_[i].source, rules_[i].destination);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return match(a) < match(b); });
    for (std::size_t i = 0; i < order.size(); ++i) {
      const bool again = i > 0 && match(order[i]) == match(order[i - 1]);
      first_of_match_[order[i]] = again ? first_of_match_[order[i - 1]] : order[i];
    }
    // Within a match the plan's order is left, and in that equal priorities stand together.
    for (std::size_t i = 0, next = 0; i < order.size(); i = next) {
      next = i + 1;
      while (next < order.size() && match(order[next]) == match(order[i]) &&
             rules_[order[next]].priority == rules_[order[i]].priority) {
        ++next;
      }
      if (next - i > 1) report_ties({order.data() + i, next - i});
    }
  }

  void report_ties(std::span<const std::size_t> equal) {
    const auto place = [&](std::size_t i) { return std::tie(rules_[i].service, rules_[i].route); };
    const std::size_t stands =
        *std::min_element(equal.begin(), equal.end(),
                          [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
    for (const std::size_t i : equal) {
      if (rules_[i].service != rules_[stands].service) report_tie(i, rules_[stands]);
    }
  }

  void report_tie(std::size_t i, const Rule& other) {
    done_[i] = true;
    diagnostics_.error(13, route_of(rules_[i]).priority->span,
                       name_of(other) + " has the same match (" + in_words(rules_[i]) +
                           ") and the same priority: which of the two wins is undefined",
                       "give one of them a higher `priority`, or remove it");
  }

  /// Rule 14.
  void check_unreached(const std::vector<std::optional<std::size_t>>& blockers) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (!blockers[i] || done_[i]) continue;
      done_[i] = true;
      // What keeps the first of its match from winning keeps this one too, whatever its priority.
      const std::size_t first = first_of_match_[i];
      if (blockers[first]) {
        report_covered(rules_[i], rules_[*blockers[first]]);
      } else {
        report_repeated(rules_[i], rules_[first]);
      }
    }
  }

  void report_repeated(const Rule& rule, const Rule& other) {
    const bool equal = rule.priority == other.priority;
    diagnostics_.warning(
        14, route_of(rule).priority->span,
        "this route never wins: " + name_of(other) + " has the same match (" + in_words(rule) +
            ") and " +
            (equal ? "comes first" : "the higher priority " + std::to_string(other.priority)),
        equal ? "remove one of the two" : cure_of_repeated(rule, other));
  }

  static std::string cure_of_repeated(const Rule& rule, const Rule& other) {
    if (rule.service == other.service) {
      return "remove it; a higher `priority` would change nothing, since both are of one service";
    }
    constexpr std::uint32_t kHighest = 0x7fffffff;
    return other.priority == kHighest
               ? "remove it, or lower the `priority` of the other"
               : "remove it, or raise its `priority` above " + std::to_string(other.priority);
  }

  void report_covered(const Rule& rule, const Rule& other) {
    const std::string who = name_of(other) + " (" + in_words(other) + ")";
    const std::string why =
        covers(other, rule) ? who + " comes first and takes all its traffic"
                            : "routes that come first take all its traffic, " + who + " among them";
    diagnostics_.warning(14, match_span(rule), "this route never wins: " + why,
                         "remove it, or give it a match that is narrower than theirs; a higher "
                         "`priority` would not help, since it only decides between routes of equal "
                         "prefix lengths");
  }

  Span match_span(const Rule& rule) const {
    const Route& route = route_of(rule);
    return route.source ? route.source->span : route.destination->span;
  }

  /// Rule 15.
  void check_priorities(const std::vector<std::optional<std::size_t>>& overruled_by) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (!overruled_by[i] || done_[i]) continue;
      const Rule& rule = rules_[i];
      const Rule& other = rules_[*overruled_by[i]];
      diagnostics_.warning(15, route_of(rule).priority->span,
                           priority_text(rule) + " does not lift this route (" + in_words(rule) +
                               ") above " + name_of(other) + " (" + in_words(other) + ", " +
                               priority_text(other) + "): where both match, " +
                               advantage(other, rule),
                           "priority only decides between routes of equal prefix lengths; to win "
                           "there, repeat the narrower match as a route of this service");
    }
  }

  static std::string advantage(const Rule& winner, const Rule& loser) {
    if (winner.category != loser.category) {
      return winner.category == Category::kPair
                 ? "a route with `source_cidr` and `dest_cidr` comes before one with only one of "
                   "them"
                 : "a route with `source_cidr` comes before one without";
    }
    const bool by_source = winner.source && winner.source->length != loser.source->length;
    return by_source ? "the longer `source_cidr` wins" : "the longer `dest_cidr` wins";
  }

  /// Rule 16.
  void check_sources() {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const Rule& rule = rules_[i];
      if (done_[i] || !rule.source) continue;
      if (rule.source->length == 0) {
        report_any_source(rule);
      } else if (rule.category == Category::kSource) {
        const Rule* hidden = longest_destination(rule);
        if (hidden != nullptr && hidden->destination->length > rule.source->length) {
          report_hidden(rule, *hidden);
        }
      }
    }
  }

  /// The longest destination-only rule of the rule's family and of another service. Rules come
  /// longest first, so the first of all or the first of a second service is the one.
  const Rule* longest_destination(const Rule& rule) {
    auto& [first, second] = longest_[rule.family() == Family::kIpv4 ? 0 : 1];
    if (!searched_) {
      searched_ = true;
      for (const Rule& candidate : rules_) {
        if (candidate.category != Category::kDestination) continue;
        auto& [one, two] = longest_[candidate.family() == Family::kIpv4 ? 0 : 1];
        if (one == nullptr) one = &candidate;
        if (two == nullptr && candidate.service != one->service) two = &candidate;
      }
    }
    return first != nullptr && first->service == rule.service ? second : first;
  }

  void report_any_source(const Rule& rule) {
    const std::string any = rule.source->to_string();
    std::string help = "to match any source, leave `source_cidr` out";
    if (rule.category == Category::kSource) {
      help =
          "to match everything that nothing else matches, write `dest_cidr: " + any + "` instead";
    }
    diagnostics_.warning(16, route_of(rule).source->span,
                         "`" + any + "` is a source like any other: this route comes before all " +
                             "that have no `source_cidr`, however narrow their `dest_cidr`",
                         std::move(help));
  }

  void report_hidden(const Rule& rule, const Rule& hidden) {
    diagnostics_.warning(16, route_of(rule).source->span,
                         "for these sources this route hides " + name_of(hidden) + " (" +
                             in_words(hidden) + "): a route with `source_cidr` comes before one " +
                             "without, however narrow its `dest_cidr`",
                         "to let that one win here too, add a route to it with `source_cidr: " +
                             rule.source->to_string() +
                             "` and `dest_cidr: " + hidden.destination->to_string() + "`");
  }

  /// Rule 17.
  void check_destinations() {
    for (const Rule& rule : rules_) {
      if (!rule.destination) continue;
      const auto at = std::lower_bound(
          peers_.begin(), peers_.end(), rule.destination->address(),
          [](const PeerAddress& a, const Address& address) { return a.address < address; });
      if (at == peers_.end() || !rule.destination->contains(at->address)) continue;
      diagnostics_.warning(
          17, route_of(rule).destination->span,
          "this destination contains " + at->address.to_string() + ", the address of peer " +
              at->peer->name.value,
          "the tunnels' own traffic is exempt by its mark and does not loop; everything else sent "
          "to that address goes through this service");
    }
  }

  const Config& config_;
  const std::vector<Rule>& rules_;
  const std::vector<PeerAddress>& peers_;
  Diagnostics& diagnostics_;
  std::vector<bool> done_;  ///< reported under 13 or 14: what follows would say the same again
  std::vector<std::size_t> first_of_match_;  ///< per rule, the first of the plan that is like it
  bool searched_ = false;
  std::pair<const Rule*, const Rule*> longest_[2];
};

std::vector<PeerAddress> peer_addresses(const Config& config) {
  std::vector<PeerAddress> out;
  for (const Peer& peer : config.peers) {
    if (!peer.address || !peer.address->value.address) continue;
    out.push_back({*peer.address->value.address, &peer});
  }
  std::stable_sort(out.begin(), out.end(), [](const PeerAddress& a, const PeerAddress& b) {
    return a.address < b.address;
  });
  return out;
}

}  // namespace

void check_order(const Config& config, Diagnostics& diagnostics) {
  std::set<std::string_view> peers;
  for (const Peer& peer : config.peers) peers.insert(peer.name.value);
  std::set<std::string_view> names;
  std::map<std::string_view, std::vector<std::uint32_t>> entered;
  for (std::size_t i = 0; i < config.services.size(); ++i) {
    const Service& service = config.services[i];
    if (!peers.contains(service.source_peer.value)) continue;
    if (!peers.contains(service.target_peer.value)) continue;
    if (!names.insert(service.name.value).second) continue;
    entered[service.source_peer.value].push_back(static_cast<std::uint32_t>(i));
  }
  const std::vector<PeerAddress> addresses = peer_addresses(config);
  for (const auto& [peer, services] : entered) {
    const RulePlan plan = order_services(config, std::string(peer), services);
    OrderCheck(config, plan, addresses, diagnostics);
  }
}

}  // namespace arctic
