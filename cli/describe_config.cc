#include "cli/describe_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/route_facts.h"
#include "schema/base/diagnostic.h"

namespace arctic::cli {

namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json text_or_null(const std::optional<Located<T>>& value) {
  return value ? Json(value->value.to_string()) : Json(nullptr);
}

Json string_or_null(const std::optional<Located<std::string>>& value) {
  return value ? Json(value->value) : Json(nullptr);
}

Error missing(const char* what, std::string_view word, const std::vector<std::string>& names,
              const char* list) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string near(nearest(word, views));
  return {ErrorCode::kConfig,
          "",
          fmt::format("the file has no {} `{}`", what, word),
          {},
          near.empty() ? fmt::format("`arctic {} list` shows them", list)
                       : fmt::format("did you mean `{}`?", near)};
}

}  // namespace

Json route_json(const Service& service, std::size_t position) {
  const Route& route = service.routes[position];
  Json data = {{"route", fmt::format("{}/{}", service.name.value, position)}};
  if (route.priority) data["priority"] = route.priority->value;
  data["source_cidr"] = text_or_null(route.source);
  data["dest_cidr"] = text_or_null(route.destination);
  return data;
}

Json service_json(const Config&, const Numbers& numbers, const Service& service) {
  Json data = {{"name", service.name.value},
               {"id", service_id(service)},
               {"source_peer", service.source_peer.value},
               {"target_peer", service.target_peer.value},
               {"transport_type", transport_text(service)},
               {"fully_transparent", service.fully_transparent.value},
               {"proxy_protocol", to_string(service.proxy_protocol.value)},
               {"on_down", to_string(service.on_down.value)}};
  if (service.has_interface()) {
    data["interface"] = {{"enabled", true},
                         {"ipv4", text_or_null(service.interface->ipv4)},
                         {"ipv6", text_or_null(service.interface->ipv6)}};
  } else {
    data["interface"] = nullptr;
  }
  data["qos"] = {{"bandwidth_limit_mbps", service.limit_mbps.value}};
  data["routes"] = Json::array();
  for (std::size_t i = 0; i < service.routes.size(); ++i) {
    data["routes"].push_back(route_json(service, i));
  }
  data["derived"] = {{"port", pegasus_port(numbers, service)},
                     {"interface", service.has_interface() ? Json(macvlan_name(service)) : Json()},
                     {"device", tunnel_device(service.target_peer.value)}};
  return data;
}

Json peer_json(const Config& config, const Numbers& numbers, const Peer& peer) {
  const std::string& name = peer.name.value;
  const auto services = [&](const Located<std::string> Service::*end) {
    Json names = Json::array();
    for (const Service& service : config.services) {
      if ((service.*end).value == name) names.push_back(service.name.value);
    }
    return names;
  };
  const std::uint16_t number = numbers.peers.at(name);
  return {{"name", name},
          {"address", peer.address ? Json(peer.address->value.text) : Json()},
          {"public_key", text_or_null(peer.public_key)},
          {"parent_interface", string_or_null(peer.parent_interface)},
          {"pegasus_port", peer.pegasus_port.value},
          {"tempest_port", peer.tempest_port.value},
          {"mark_shift", peer.mark_shift.value},
          {"metrics", text_or_null(peer.metrics)},
          {"derived",
           {{"number", number},
            {"device", tunnel_device(name)},
            {"table", kPeerTableBase + number},
            {"enters", services(&Service::source_peer)},
            {"ends", services(&Service::target_peer)}}}};
}

const Service* find_service(const Config& config, std::string_view name_or_id) {
  if (const Service* named = config.find_service(name_or_id)) return named;
  const auto it = std::find_if(config.services.begin(), config.services.end(),
                               [&](const Service& s) { return service_id(s) == name_or_id; });
  return it == config.services.end() ? nullptr : &*it;
}

Error no_such_service(const Config& config, std::string_view word) {
  std::vector<std::string> names;
  for (const Service& service : config.services) {
    names.push_back(service.name.value);
    names.push_back(service_id(service));
  }
  return missing("service", word, names, "services");
}

Error no_such_peer(const Config& config, std::string_view word) {
  std::vector<std::string> names;
  for (const Peer& peer : config.peers) names.push_back(peer.name.value);
  return missing("peer", word, names, "peers");
}

std::string limit_text(const Service& service) {
  return service.limit_mbps.value == 0 ? "none"
                                       : fmt::format("{} Mbit/s", service.limit_mbps.value);
}

std::string transport_text(const Service& service) {
  return to_string(service.transport ? service.transport->value : Transport::kTcp);
}

}  // namespace arctic::cli
