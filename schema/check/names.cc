#include <algorithm>
#include <string>

#include "schema/check/checks.h"

namespace arctic {
namespace {

constexpr std::size_t kMostCharacters = 63;

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void check_name(const Located<std::string>& name, std::string_view more, bool free_start,
                const char* what, Diagnostics& diagnostics) {
  const std::string& text = name.value;
  if (text.empty()) return;
  const bool good = std::all_of(text.begin(), text.end(), [&](char c) {
    return letter_or_digit(c) || more.find(c) != std::string_view::npos;
  });
  if (text.size() > kMostCharacters) {
    diagnostics.error(3, name.span,
                      std::string(what) + " has " + std::to_string(text.size()) +
                          " characters; the limit is " + std::to_string(kMostCharacters),
                      "write a shorter one");
  } else if (!good) {
    std::string allowed;
    for (const char c : more) allowed += std::string(" `") + c + "`";
    diagnostics.error(3, name.span,
                      quoted(text) + " cannot be " + what + ": it may have A-Z a-z 0-9" + allowed);
  } else if (!free_start && !letter_or_digit(text[0])) {
    diagnostics.error(
        3, name.span,
        quoted(text) + " cannot be " + what + ": it must begin with a letter or digit");
  }
}

template <class T>
void check_unique(const std::vector<T>& items, const char* what, Diagnostics& diagnostics) {
  std::unordered_map<std::string_view, const T*> seen;
  for (const T& item : items) {
    if (item.name.value.empty()) continue;
    const auto [it, is_new] = seen.emplace(item.name.value, &item);
    if (is_new) continue;
    diagnostics.error(3, item.name.span,
                      std::string("a second ") + what + " named " + quoted(item.name.value),
                      "the first is in line " + std::to_string(it->second->name.span.line));
  }
}

}  // namespace

void check_names(const Config& config, Diagnostics& diagnostics) {
  for (const Peer& peer : config.peers) {
    check_name(peer.name, "-_.", false, "the name of a peer", diagnostics);
  }
  for (const Service& service : config.services) {
    check_name(service.name, "-_.", false, "the name of a service", diagnostics);
    if (service.id) check_name(*service.id, "-_", true, "the `id` of a service", diagnostics);
  }
  check_unique(config.peers, "peer", diagnostics);
  check_unique(config.services, "service", diagnostics);
}

}  // namespace arctic
