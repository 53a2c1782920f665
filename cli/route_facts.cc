#include "cli/route_facts.h"

#include <fmt/format.h>

namespace arctic::cli {

const char* to_string(Handler handler) {
  switch (handler) {
    case Handler::kPegasus:
      return "pegasus";
    case Handler::kTempest:
      return "tempest";
    case Handler::kNone:
      break;
  }
  return "none";
}

Handler handler_of(std::uint8_t protocol) {
  return protocol == kTcpProtocol ? Handler::kPegasus : Handler::kTempest;
}

std::uint16_t pegasus_port(const Numbers& numbers, const Service& service) {
  const auto number = numbers.services.find(service.name.value);
  return static_cast<std::uint16_t>(kTproxyPortBase +
                                    (number == numbers.services.end() ? 0 : number->second));
}

std::string match_text(const Config& config, const Rule& rule) {
  if (rule.category == Category::kInterface) {
    return "interface " + macvlan_name(config.services[rule.service]);
  }
  return fmt::format("{} → {}", rule.source ? rule.source->to_string() : "any",
                     rule.destination ? rule.destination->to_string() : "any");
}

std::string at_exit(const Service& service, Handler handler) {
  const std::string& exit = service.target_peer.value;
  if (handler == Handler::kTempest) {
    return fmt::format(
        "{} checks that the service allows it and forwards it with {}'s own address "
        "as the source (masquerade).",
        exit, exit);
  }
  if (service.fully_transparent.value) {
    return fmt::format(
        "{} connects to the destination with the client's address (Transparent "
        "Mode).",
        exit);
  }
  if (service.proxy_protocol.value == ProxyProtocol::kV2) {
    return fmt::format(
        "{} connects to the destination from its own address and tells it the "
        "client's in a PROXY v2 header.",
        exit);
  }
  return fmt::format("{} connects to the destination from its own address.", exit);
}

}  // namespace arctic::cli
