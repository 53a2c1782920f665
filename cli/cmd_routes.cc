#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/describe_config.h"
#include "cli/input.h"
#include "cli/listing.h"
#include "compiler/order.h"
#include "compiler/shadow.h"

namespace arctic::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  std::string service;
  std::string route;
  bool trace = false;
  Output output;
};

// Where a route stands in the plan of its source peer, and what keeps packets from it.
struct Standing {
  std::size_t rank = 0;
  Category category = Category::kPair;
  std::string shadowed_by;  // empty: some packet can reach it
};

using Place = std::pair<std::uint32_t, std::int32_t>;  // service, position

std::map<Place, Standing> standings(const Config& config, const std::set<std::string>& nodes) {
  std::map<Place, Standing> all;
  for (const std::string& node : nodes) {
    const RulePlan plan = order(config, node);
    const auto shadows = shadowed(plan);
    for (std::size_t i = 0; i < plan.rules.size(); ++i) {
      const Rule& rule = plan.rules[i];
      all[{rule.service, rule.route}] = {
          i + 1, rule.category,
          shadows[i] ? route_label(config, plan.rules[*shadows[i]]) : std::string()};
    }
  }
  return all;
}

Result<std::vector<std::uint32_t>> chosen(const Config& config, const Options& options) {
  std::vector<std::uint32_t> indices;
  const Service* one = nullptr;
  if (!options.service.empty()) {
    one = find_service(config, options.service);
    if (one == nullptr) return tl::unexpected<Error>(no_such_service(config, options.service));
  }
  for (std::uint32_t i = 0; i < config.services.size(); ++i) {
    if (one == nullptr || &config.services[i] == one) indices.push_back(i);
  }
  return indices;
}

void show(const Session& session, const Options& options, const Config& config,
          const std::vector<Place>& places, bool single) {
  std::map<Place, Standing> ranks;
  Table table{{"ROUTE", "PRIORITY", "SOURCE", "DESTINATION"}, {}};
  if (options.trace) {
    std::set<std::string> nodes;
    for (const Place& place : places) nodes.insert(config.services[place.first].source_peer.value);
    ranks = standings(config, nodes);
    table.titles.insert(table.titles.end(), {"AT", "RANK", "CATEGORY", "SHADOWED BY"});
  }
  Json data = Json::array();
  for (const Place& place : places) {
    const Service& service = config.services[place.first];
    const auto position = static_cast<std::size_t>(place.second);
    const Route& route = service.routes[position];
    Json item = route_json(service, position);
    std::vector<std::string> row = {
        item["route"].get<std::string>(),
        route.priority ? std::to_string(route.priority->value) : "-",
        route.source ? route.source->value.to_string() : "any",
        route.destination ? route.destination->value.to_string() : "any"};
    if (options.trace) {
      const Standing& standing = ranks[place];
      row.insert(row.end(), {service.source_peer.value, fmt::format("#{}", standing.rank),
                             to_string(standing.category),
                             standing.shadowed_by.empty() ? "-" : standing.shadowed_by});
      item["node"] = service.source_peer.value;
      item["rank"] = standing.rank;
      item["category"] = to_string(standing.category);
      item["shadowed_by"] =
          standing.shadowed_by.empty() ? Json(nullptr) : Json(standing.shadowed_by);
    }
    table.rows.push_back(std::move(row));
    data.push_back(std::move(item));
  }
  print_listing(session, options.output, table, single ? data[0] : data);
}

Result<ExitCode> list(const Session& session, const Options& options, const Config& config) {
  ARCTIC_TRY(const auto services, chosen(config, options));
  std::vector<Place> places;
  for (const std::uint32_t service : services) {
    for (std::size_t i = 0; i < config.services[service].routes.size(); ++i) {
      places.emplace_back(service, static_cast<std::int32_t>(i));
    }
  }
  show(session, options, config, places, false);
  return ExitCode::kSuccess;
}

// "syd-to-lon/0", or "0" with --service.
Result<ExitCode> get(const Session& session, Options options, const Config& config) {
  std::string position = options.route;
  if (options.service.empty()) {
    const std::size_t slash = options.route.rfind('/');
    if (slash == std::string::npos) {
      return fail(ErrorCode::kUsage, options.route, "is no route",
                  "a route is SERVICE/POSITION, for instance syd-to-lon/0, or --service SERVICE "
                  "and a position");
    }
    options.service = options.route.substr(0, slash);
    position = options.route.substr(slash + 1);
  }
  ARCTIC_TRY(const auto services, chosen(config, options));
  const Service& service = config.services[services.front()];
  std::size_t at = 0;
  const char* end = position.data() + position.size();
  const auto [stop, error] = std::from_chars(position.data(), end, at);
  if (error != std::errc{} || stop != end || at >= service.routes.size()) {
    return fail(ErrorCode::kConfig, service.name.value, fmt::format("has no route `{}`", position),
                service.routes.empty()
                    ? "it has none at all"
                    : fmt::format("its routes are 0 to {}", service.routes.size() - 1));
  }
  show(session, options, config, {{services.front(), static_cast<std::int32_t>(at)}}, true);
  return ExitCode::kSuccess;
}

}  // namespace

Run define_routes(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* lister = app.add_subcommand("list", "the routes of all services, or of one");
  CLI::App* getter = app.add_subcommand("get", "one route");
  getter->add_option("ROUTE", options->route, "SERVICE/POSITION, or a position with --service")
      ->type_name("")
      ->required();
  for (CLI::App* verb : {lister, getter}) {
    add_file(*verb, options->file);
    verb->add_option("--service", options->service, "a service, by name or ID")->type_name("NAME");
    verb->add_flag("--trace", options->trace,
                   "with the rank among all routes of the source peer, IPv4 and IPv6, and the "
                   "route that takes its packets away");
    add_output(*verb, options->output, session);
  }
  return [&session, options, lister]() -> Result<ExitCode> {
    ARCTIC_TRY(const Loaded loaded, load_config(session, options->file));
    return lister->parsed() ? list(session, *options, loaded.config)
                            : get(session, *options, loaded.config);
  };
}

}  // namespace arctic::cli
