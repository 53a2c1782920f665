#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe_config.h"
#include "cli/input.h"
#include "cli/listing.h"

namespace arctic::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  std::string name;
  Output output;
};

Result<ExitCode> list(const Session& session, const Options& options, const Config& config) {
  const Numbers numbers = allocate(config);
  Table table{{"NAME", "ADDRESS", "PUBLIC KEY", "ENTERS", "ENDS"}, {}};
  Json data = Json::array();
  for (const Peer& peer : config.peers) {
    Json item = peer_json(config, numbers, peer);
    table.rows.push_back({peer.name.value, peer.address ? peer.address->value.text : "-",
                          peer.public_key ? peer.public_key->value.to_string() : "-",
                          std::to_string(item["derived"]["enters"].size()),
                          std::to_string(item["derived"]["ends"].size())});
    data.push_back(std::move(item));
  }
  print_listing(session, options.output, table, data);
  return ExitCode::kSuccess;
}

std::string names_of(const Json& list) {
  return list.empty() ? "-"
                      : fmt::format("{}", fmt::join(list.get<std::vector<std::string>>(), ", "));
}

Table facts_of(const Peer& peer, const Json& data) {
  Table table{{"PEER", peer.name.value}, {}};
  const auto add = [&](const char* name, std::string value) {
    table.rows.push_back({name, std::move(value)});
  };
  add("address", peer.address ? peer.address->value.text : "- (calls the others)");
  add("public key", peer.public_key ? peer.public_key->value.to_string() : "-");
  add("parent interface",
      peer.parent_interface ? peer.parent_interface->value : "that of the default route");
  add("ports",
      fmt::format("Pegasus {}, Tempest {}", peer.pegasus_port.value, peer.tempest_port.value));
  add("metrics", peer.metrics ? peer.metrics->value.to_string() : "off");
  add("mark shift", std::to_string(peer.mark_shift.value));
  add("tunnel device", data["derived"]["device"].get<std::string>() + " on the other peers");
  add("enters", names_of(data["derived"]["enters"]));
  add("ends", names_of(data["derived"]["ends"]));
  return table;
}

Result<ExitCode> get(const Session& session, const Options& options, const Config& config) {
  const Peer* peer = config.find_peer(options.name);
  if (peer == nullptr) return tl::unexpected<Error>(no_such_peer(config, options.name));
  const Json data = peer_json(config, allocate(config), *peer);
  print_listing(session, options.output, facts_of(*peer, data), data);
  return ExitCode::kSuccess;
}

}  // namespace

Run define_peers(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* lister = app.add_subcommand("list", "all peers of the file");
  CLI::App* getter = app.add_subcommand("get", "one peer");
  getter->add_option("NAME", options->name, "its name")->type_name("")->required();
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
