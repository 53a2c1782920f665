#include "runtime/host/ports.h"

#include <charconv>

namespace arctic {
namespace {

std::string_view trim(std::string_view text) {
  static constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::size_t> parse_port(std::string_view text) {
  std::size_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end || port > 65535) return std::nullopt;
  return port;
}

}  // namespace

std::optional<PortSet> parse_ports(std::string_view text) {
  PortSet ports;
  text = trim(text);
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    const std::size_t dash = item.find('-');
    const auto first = parse_port(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_port(item.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    for (std::size_t port = *first; port <= *last; ++port) ports.set(port);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (trim(text).empty()) return std::nullopt;
  }
  return ports;
}

std::string ports_text(const PortSet& ports) {
  std::string text;
  for (std::size_t port = 0; port < ports.size(); ++port) {
    if (!ports.test(port)) continue;
    std::size_t last = port;
    while (last + 1 < ports.size() && ports.test(last + 1)) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(port);
    if (last != port) text += '-' + std::to_string(last);
    port = last;
  }
  return text;
}

}  // namespace arctic
