// Configurations written in a line, as tests of the compiler need them.
//
// Values have no place in a file unless a test sets one. Never used by the product.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/order.h"
#include "schema/config.h"

namespace arctic::test {

struct RouteText {
  std::uint32_t priority = 0;
  const char* source = "";       ///< empty: none
  const char* destination = "";  ///< empty: none
};

/// A Config of peers syd, lon and par, to which services are added.
class ConfigBuilder {
 public:
  ConfigBuilder();

  Peer& peer(const std::string& name);
  /// Enters at syd and leaves at lon until the test says otherwise.
  Service& service(const std::string& name, const std::vector<RouteText>& routes = {});
  /// The same with an interface, without addresses.
  Service& interface_service(const std::string& name, const std::vector<RouteText>& routes = {});

  [[nodiscard]] RulePlan plan() const { return order(config, "syd"); }

  Config config;
};

/// REQUIRES: the text is right; tests end otherwise.
[[nodiscard]] Prefix prefix(const char* text);
[[nodiscard]] Address address(const char* text);
[[nodiscard]] Route route(const RouteText& text);

/// "syd-to-lon/0" for each rule, in order.
[[nodiscard]] std::vector<std::string> labels(const Config& config, const RulePlan& plan);

}  // namespace arctic::test
