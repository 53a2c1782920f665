#include <algorithm>
#include <string>
#include <utility>

#include "compiler/diff_parts.h"

namespace arctic {
namespace {

using Changes = std::vector<Change>;

/// What a transaction does, in the kernel's order: what others name comes before them and goes
/// after them, and an interval makes room before another takes its place.
struct Steps {
  Changes add_chains;
  Changes add_maps;
  Changes delete_elements;
  Changes delete_rules;
  Changes add_elements;
  Changes add_rules;
  Changes delete_maps;
  Changes delete_chains;

  [[nodiscard]] Changes in_order() && {
    Changes all = std::move(add_chains);
    for (Changes* step : {&add_maps, &delete_elements, &delete_rules, &add_elements, &add_rules,
                          &delete_maps, &delete_chains}) {
      all.insert(all.end(), std::make_move_iterator(step->begin()),
                 std::make_move_iterator(step->end()));
    }
    return all;
  }
};

ElementOf element_of(const nft::Map& map, const nft::Element& element) {
  return {map.key, map.interval, element};
}

void add_element(Steps& steps, const std::string& name, const nft::Map& map,
                 const nft::Element& element) {
  steps.add_elements.emplace_back(ElementDelta{name, std::nullopt, element_of(map, element)});
}

void delete_element(Steps& steps, const std::string& name, const nft::Map& map,
                    const nft::Element& element) {
  steps.delete_elements.emplace_back(ElementDelta{name, element_of(map, element), std::nullopt});
}

void add_map(Steps& steps, const std::string& name, const nft::Map& map) {
  steps.add_maps.emplace_back(MapDelta{name, std::nullopt, MapHeader{map.key, map.interval}});
  for (const nft::Element& element : map.elements) add_element(steps, name, map, element);
}

void delete_map(Steps& steps, const std::string& name, const nft::Map& map) {
  for (const nft::Element& element : map.elements) delete_element(steps, name, map, element);
  steps.delete_maps.emplace_back(MapDelta{name, MapHeader{map.key, map.interval}, std::nullopt});
}

/// Both lists are sorted by key; one walk along both.
void change_map(Steps& steps, const std::string& name, const nft::Map& actual,
                const nft::Map& desired) {
  auto old = actual.elements.begin();
  auto next = desired.elements.begin();
  while (old != actual.elements.end() || next != desired.elements.end()) {
    const bool old_left = old != actual.elements.end();
    const bool next_left = next != desired.elements.end();
    if (old_left && next_left && old->first == next->first && old->last == next->last) {
      if (!(*old == *next)) {
        steps.add_elements.emplace_back(
            ElementDelta{name, element_of(actual, *old), element_of(desired, *next)});
      }
      ++old, ++next;
    } else if (!next_left || (old_left && old->first < next->first)) {
      delete_element(steps, name, actual, *old++);
    } else if (!old_left || next->first < old->first) {
      add_element(steps, name, desired, *next++);
    } else {
      delete_element(steps, name, actual, *old++);
      add_element(steps, name, desired, *next++);
    }
  }
}

void add_rules(Changes& changes, const std::string& name, const std::vector<nft::Rule>& rules,
               std::size_t from = 0) {
  for (std::size_t i = from; i < rules.size(); ++i) {
    changes.emplace_back(NftRuleDelta{name, std::nullopt, rules[i]});
  }
}

void delete_rules(Changes& changes, const std::string& name, const std::vector<nft::Rule>& rules,
                  std::size_t from = 0) {
  for (std::size_t i = from; i < rules.size(); ++i) {
    changes.emplace_back(NftRuleDelta{name, rules[i], std::nullopt});
  }
}

void add_chain(Steps& steps, const std::string& name, const nft::Chain& chain) {
  steps.add_chains.emplace_back(ChainDelta{name, std::nullopt, ChainHeader{chain.hook}});
  add_rules(steps.add_rules, name, chain.rules);
}

void delete_chain(Steps& steps, const std::string& name, const nft::Chain& chain) {
  delete_rules(steps.delete_rules, name, chain.rules);
  steps.delete_chains.emplace_back(ChainDelta{name, ChainHeader{chain.hook}, std::nullopt});
}

/// Rules are appended or deleted, not inserted: what follows the first difference is made anew.
void change_chain(Steps& steps, const std::string& name, const nft::Chain& actual,
                  const nft::Chain& desired) {
  if (!(actual.hook == desired.hook)) {
    // A hook cannot be changed. Nothing names a chain that has one, so it may go at once.
    delete_rules(steps.add_chains, name, actual.rules);
    steps.add_chains.emplace_back(ChainDelta{name, ChainHeader{actual.hook}, std::nullopt});
    add_chain(steps, name, desired);
    return;
  }
  std::size_t same = 0;
  while (same < actual.rules.size() && same < desired.rules.size() &&
         actual.rules[same] == desired.rules[same]) {
    ++same;
  }
  delete_rules(steps.delete_rules, name, actual.rules, same);
  add_rules(steps.add_rules, name, desired.rules, same);
}

/// One walk along two maps by name.
template <class Named, class Add, class Remove, class Change>
void walk(const Named& actual, const Named& desired, Add add, Remove remove, Change change) {
  auto old = actual.begin();
  auto next = desired.begin();
  while (old != actual.end() || next != desired.end()) {
    if (next == desired.end() || (old != actual.end() && old->first < next->first)) {
      remove(old->first, old->second);
      ++old;
    } else if (old == actual.end() || next->first < old->first) {
      add(next->first, next->second);
      ++next;
    } else {
      change(old->first, old->second, next->second);
      ++old, ++next;
    }
  }
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// Why the table cannot become the desired one step by step; empty if it can.
std::string obstacle(const nft::Table& actual, const nft::Table& desired) {
  if (!actual.ours) return "it is not ours";
  if (!actual.strange.empty()) return "it has what is not ours: " + join(actual.strange);
  for (const auto& [name, chain] : desired.chains) {
    const auto old = actual.chains.find(name);
    if (old != actual.chains.end() && old->second.hook.has_value() != chain.hook.has_value()) {
      return "chain " + name + " is of another kind";
    }
  }
  for (const auto& [name, map] : desired.maps) {
    const auto old = actual.maps.find(name);
    if (old == actual.maps.end()) continue;
    if (old->second.key != map.key || old->second.interval != map.interval) {
      return "map " + name + " has other keys";
    }
  }
  return {};
}

Changes whole_table(const nft::Table& desired, std::optional<TableHeader> before,
                    TableHeader after) {
  Steps steps;
  for (const auto& [name, chain] : desired.chains) add_chain(steps, name, chain);
  for (const auto& [name, map] : desired.maps) add_map(steps, name, map);
  Changes all;
  all.emplace_back(TableDelta{nft::kTableName, std::move(before), std::move(after)});
  Changes rest = std::move(steps).in_order();
  all.insert(all.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  return all;
}

Changes step_by_step(const nft::Table& actual, const nft::Table& desired) {
  Steps steps;
  walk(
      actual.chains, desired.chains,
      [&](const auto& name, const auto& chain) { add_chain(steps, name, chain); },
      [&](const auto& name, const auto& chain) { delete_chain(steps, name, chain); },
      [&](const auto& name, const auto& old, const auto& next) {
        change_chain(steps, name, old, next);
      });
  walk(
      actual.maps, desired.maps,
      [&](const auto& name, const auto& map) { add_map(steps, name, map); },
      [&](const auto& name, const auto& map) { delete_map(steps, name, map); },
      [&](const auto& name, const auto& old, const auto& next) {
        change_map(steps, name, old, next);
      });
  return std::move(steps).in_order();
}

}  // namespace

std::vector<Change> diff_table(const std::optional<nft::Table>& actual,
                               const std::optional<nft::Table>& desired) {
  if (!desired) {
    if (!actual || !actual->ours) return {};
    std::vector<Change> changes;
    changes.emplace_back(TableDelta{nft::kTableName, TableHeader{}, std::nullopt});
    return changes;
  }
  if (!actual) return whole_table(*desired, std::nullopt, TableHeader{});
  const std::string why = obstacle(*actual, *desired);
  if (why.empty()) return step_by_step(*actual, *desired);
  return whole_table(*desired, TableHeader{true, why}, TableHeader{true, why});
}

}  // namespace arctic
