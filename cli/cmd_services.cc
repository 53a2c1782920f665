#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe_config.h"
#include "cli/input.h"
#include "cli/listing.h"

namespace arctic::cli {

namespace {

struct Options {
  std::string file;
  std::string name;
  Output output;
};

Result<ExitCode> list(const Session& session, const Options& options, const Config& config) {
  const Numbers numbers = allocate(config);
  Table table{{"NAME", "ID", "FROM", "TO", "TRANSPORT", "LIMIT", "ROUTES", "INTERFACE"}, {}};
  nlohmann::ordered_json data = nlohmann::ordered_json::array();
  for (const Service& service : config.services) {
    table.rows.push_back({service.name.value, service_id(service), service.source_peer.value,
                          service.target_peer.value, transport_text(service), limit_text(service),
                          std::to_string(service.routes.size()),
                          service.has_interface() ? macvlan_name(service) : "-"});
    data.push_back(service_json(config, numbers, service));
  }
  print_listing(session, options.output, table, data);
  return ExitCode::kSuccess;
}

Table facts_of(const Service& service) {
  Table table{{"SERVICE", service.name.value}, {}};
  const auto add = [&](const char* name, std::string value) {
    table.rows.push_back({name, std::move(value)});
  };
  add("id", service_id(service));
  add("from", service.source_peer.value);
  add("to", service.target_peer.value);
  add("transport", transport_text(service));
  add("transparent", service.fully_transparent.value ? "yes" : "no");
  add("proxy protocol", to_string(service.proxy_protocol.value));
  add("on down", to_string(service.on_down.value));
  add("limit", limit_text(service));
  if (service.has_interface()) {
    std::string interface = macvlan_name(service);
    for (const auto* address : {&service.interface->ipv4, &service.interface->ipv6}) {
      if (*address) interface += " " + (*address)->value.to_string();
    }
    add("interface", interface);
  }
  for (std::size_t i = 0; i < service.routes.size(); ++i) {
    const Route& route = service.routes[i];
    add(i == 0 ? "routes" : "",
        fmt::format("/{}  {} → {}  priority {}", i,
                    route.source ? route.source->value.to_string() : "any",
                    route.destination ? route.destination->value.to_string() : "any",
                    route.priority ? route.priority->value : 0));
  }
  return table;
}

Result<ExitCode> get(const Session& session, const Options& options, const Config& config) {
  const Service* service = find_service(config, options.name);
  if (service == nullptr) return tl::unexpected<Error>(no_such_service(config, options.name));
  print_listing(session, options.output, facts_of(*service),
                service_json(config, allocate(config), *service));
  return ExitCode::kSuccess;
}

}  // namespace

Run define_services(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* lister = app.add_subcommand("list", "all services of the file");
  CLI::App* getter = app.add_subcommand("get", "one service");
  getter->add_option("NAME", options->name, "its name or ID")->type_name("")->required();
  for (CLI::App* verb : {lister, getter}) {
    add_file(*verb, options->file);
    add_output(*verb, options->output, session);
  }
  return [&session, options, lister]() -> Result<ExitCode> {
    ARCTIC_TRY(const Loaded loaded, load_config(session, options->file));
    return lister->parsed() ? list(session, *options, loaded.config)
                            : get(session, *options, loaded.config);
  };
}

}  // namespace arctic::cli
