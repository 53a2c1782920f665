#include "schema/parse/reader.h"

namespace arctic {
namespace {

constexpr std::uint32_t kMostPriority = 0x7fffffff;
constexpr std::uint32_t kMostMbps = 1'000'000;

// ---- routes ----

const Field<Route> kRouteFields[] = {
    {"priority",
     [](const YamlEntry& e, Route& route, Reader& r) {
       route.priority = read_number({e, 7}, 0, kMostPriority, r.diagnostics);
     }},
    {"source_cidr",
     [](const YamlEntry& e, Route& route, Reader& r) {
       route.source = read_prefix({e, 8}, r.diagnostics);
     }},
    {"dest_cidr",
     [](const YamlEntry& e, Route& route, Reader& r) {
       route.destination = read_prefix({e, 8}, r.diagnostics);
     }},
};

Route read_route(const YamlNode& node, Reader& reader) {
  Route route;
  if (!is_map({"routes", node, 7}, reader)) {
    route.span = node.span();
    route.malformed = true;
    return route;
  }
  const auto entries = reader.tree.entries(node);
  route.span = item_span(node, entries);
  const std::size_t errors = reader.diagnostics.errors();
  read_entries(entries, kRouteFields, route, reader);
  route.malformed = reader.diagnostics.errors() != errors;
  if (!route.source && !route.destination && !route.malformed) {
    reader.diagnostics.error(7, route.span, "this route has neither `source_cidr` nor `dest_cidr`",
                             "give it one of the two, or both; `0.0.0.0/0` or `::/0` is any");
    route.malformed = true;
  }
  if (!has_key(entries, "priority")) {
    reader.diagnostics.error(7, route.span, "this route has no `priority`",
                             "among equal matches the higher one wins; `priority: 100` is usual");
    route.malformed = true;
  }
  return route;
}

// ---- interface and qos ----

void read_own_address(const YamlEntry& entry, Family family,
                      std::optional<Located<HostPrefix>>& out, Reader& reader) {
  if (entry.value->kind == NodeKind::kNull) return;
  out = read_host_prefix({entry, 8}, family, reader.diagnostics);
}

const Field<Interface> kInterfaceFields[] = {
    {"enabled",
     [](const YamlEntry& e, Interface& i, Reader& r) {
       // What cannot be read counts as enabled, so that no later rule misses the interface.
       i.enabled =
           read_boolean({e, 6}, r.diagnostics).value_or(Located<bool>{true, e.value->span()});
     }},
    {"ipv4", [](const YamlEntry& e, Interface& i,
                Reader& r) { read_own_address(e, Family::kIpv4, i.ipv4, r); }},
    {"ipv6", [](const YamlEntry& e, Interface& i,
                Reader& r) { read_own_address(e, Family::kIpv6, i.ipv6, r); }},
};

void read_interface(const YamlEntry& entry, Service& service, Reader& reader) {
  Interface interface;
  if (!is_map({entry, 6}, reader)) {
    interface.enabled.value = true;
    if (entry.value->kind != NodeKind::kNull) service.interface = interface;
    return;
  }
  const auto entries = reader.tree.entries(*entry.value);
  interface.span = entry.key->span();
  const std::size_t errors = reader.diagnostics.errors();
  read_entries(entries, kInterfaceFields, interface, reader);
  if (interface.enabled.value && !interface.ipv4 && !interface.ipv6 &&
      reader.diagnostics.errors() == errors) {
    reader.diagnostics.note(18, interface.enabled.span,
                            "this interface gets no address; old versions asked DHCP for one",
                            "add `ipv4` or `ipv6`, unless you set addresses yourself");
  }
  service.interface = interface;
}

const Field<Service> kQosFields[] = {
    {"bandwidth_limit_mbps",
     [](const YamlEntry& e, Service& s, Reader& r) {
       store(read_number({e, 11}, 0, kMostMbps, r.diagnostics), s.limit_mbps);
     }},
};

// ---- the service ----

void read_routes(const YamlEntry& entry, Service& service, Reader& reader) {
  if (!is_list({entry, 7}, reader)) {
    if (entry.value->kind != NodeKind::kNull) service.routes.emplace_back().malformed = true;
    return;
  }
  const auto items = reader.tree.items(*entry.value);
  service.routes.reserve(items.size());
  for (const YamlNode* item : items) service.routes.push_back(read_route(*item, reader));
}

const Field<Service> kServiceFields[] = {
    {"name",
     [](const YamlEntry& e, Service& s, Reader& r) {
       store(read_text({e, 3}, r.diagnostics), s.name);
     }},
    {"id",
     [](const YamlEntry& e, Service& s, Reader& r) {
       store(read_text({e, 3}, r.diagnostics), s.id);
     }},
    {"source_peer",
     [](const YamlEntry& e, Service& s, Reader& r) {
       store(read_text({e, 4}, r.diagnostics), s.source_peer);
     }},
    {"target_peer",
     [](const YamlEntry& e, Service& s, Reader& r) {
       store(read_text({e, 4}, r.diagnostics), s.target_peer);
     }},
    {"transport_type",
     [](const YamlEntry& e, Service& s, Reader& r) {
       const auto word = read_word({e, 5}, {"tcp", "kcp"}, r.diagnostics);
       if (word) s.transport = {static_cast<Transport>(*word), e.value->span()};
     }},
    {"fully_transparent",
     [](const YamlEntry& e, Service& s, Reader& r) {
       store(read_boolean({e, 10}, r.diagnostics), s.fully_transparent);
     }},
    {"proxy_protocol",
     [](const YamlEntry& e, Service& s, Reader& r) {
       const auto word = read_word({e, 10}, {"none", "v2"}, r.diagnostics);
       if (word) s.proxy_protocol = {static_cast<ProxyProtocol>(*word), e.value->span()};
     }},
    {"on_down",
     [](const YamlEntry& e, Service& s, Reader& r) {
       const auto word = read_word({e, 5}, {"reject", "direct", "drop"}, r.diagnostics);
       if (word) s.on_down = {static_cast<OnDown>(*word), e.value->span()};
     }},
    {"interface", read_interface},
    {"qos",
     [](const YamlEntry& e, Service& s, Reader& r) {
       if (is_map({e, 11}, r)) read_entries(r.tree.entries(*e.value), kQosFields, s, r);
     }},
    {"routes", read_routes},
};

void require(const std::vector<YamlEntry>& entries, std::string_view key, int rule,
             const char* help, const Service& service, Reader& reader) {
  if (has_key(entries, key)) return;
  const std::string who =
      service.name.value.empty() ? "this service" : "service " + quoted(service.name.value);
  reader.diagnostics.error(rule, service.span, who + " has no " + quoted(key), help);
}

}  // namespace

Service read_service(const YamlNode& node, Reader& reader) {
  Service service;
  const auto entries = reader.tree.entries(node);
  service.span = item_span(node, entries);
  read_entries(entries, kServiceFields, service, reader);
  require(entries, "name", 3, "plan, status and trace call it by that", service, reader);
  require(entries, "source_peer", 4, "it is the peer where traffic enters", service, reader);
  require(entries, "target_peer", 4, "it is the peer where traffic leaves", service, reader);
  require(entries, "transport_type", 5, "write `tcp` or `kcp`", service, reader);
  return service;
}

}  // namespace arctic
