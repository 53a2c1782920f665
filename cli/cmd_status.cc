#include <fmt/chrono.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/describe_config.h"
#include "cli/listing.h"
#include "cli/live.h"
#include "cli/plan_view.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "runtime/host/generations.h"
#include "runtime/host/identity.h"
#include "runtime/host/journal.h"
#include "runtime/host/linux_host.h"
#include "schema/artifact/tempest_status.h"

namespace arctic::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRuntimes[] = {"pegasus", "tempest"};

// What the node was told, and how far it is from that.
struct NodeStatus {
  History history;
  std::string key;  // public key, or why there is none
  bool has_key = false;
  std::vector<std::pair<std::string, bool>> runtimes;
  std::optional<TempestStatus> tempest;  // absent if it does not run
  std::optional<Compiled> declared;
  std::optional<Plan> drift;
  std::string unknown;           // why the two above are absent though something was applied
  std::optional<Error> failure;  // the first thing that could not be read
};

std::string node_of(const NodeStatus& status) {
  return status.history.last ? status.history.last->node : std::string();
}

std::string generation_of(const NodeStatus& status) {
  return status.history.last ? status.history.last->generation : std::string();
}

// The folder of the generation in force: the newest of that name.
Result<std::string> stored_source(Host& host, const std::string& generation) {
  ARCTIC_TRY(const auto kept, list_generations(host));
  const auto found = std::find_if(kept.rbegin(), kept.rend(), [&](const GenerationName& name) {
    return name.generation == generation;
  });
  if (found == kept.rend()) {
    return fail(ErrorCode::kFailure, kGenerationsFolder,
                "has no folder of generation " + generation);
  }
  const std::string path = found->folder() + "/" + kSourceName;
  ARCTIC_TRY(auto text, host.read_file(path));
  if (!text) return fail(ErrorCode::kFailure, path, "is gone");
  return std::move(*text);
}

Status add_declared(Host& host, NodeStatus& status) {
  ARCTIC_TRY(std::string source, stored_source(host, generation_of(status)));
  Diagnostics diagnostics;
  const Config config = load(source, diagnostics);
  const std::string node = node_of(status);
  if (diagnostics.has_errors() || config.find_peer(node) == nullptr) {
    return fail(ErrorCode::kConfig, "", "this version no longer takes the file that was applied");
  }
  status.declared = compile(config, node);
  ARCTIC_TRY(status.drift, plan(host, target_of(*status.declared, config, std::move(source))));
  return {};
}

Status add_tempest(Host& host, NodeStatus& status) {
  const std::string question = encode(ControlRequest{"1", ControlRequest::Status{}});
  ARCTIC_TRY(const auto line, host.ask_runtime("tempest", question));
  if (!line) return {};
  ARCTIC_TRY(auto answer, decode_tempest_status_answer(*line));
  if (!answer.outcome) {
    return fail(ErrorCode::kUnreachable, "tempest", answer.outcome.error().reason,
                answer.outcome.error().hint);
  }
  status.tempest = std::move(*answer.outcome);
  return {};
}

// What cannot be read is left out, and does not keep the rest from being shown.
NodeStatus collect(const Session& session, Host& host) {
  NodeStatus status;
  auto history = read_history(host);
  if (history) {
    status.history = std::move(*history);
  } else {
    status.failure = history.error();
  }
  const auto key = node_public_key(session.root);
  status.has_key = key && *key;
  status.key = !key ? key.error().message() : *key ? (*key)->to_string() : "none";
  for (const char* name : kRuntimes) status.runtimes.emplace_back(name, host.runtime_answers(name));
  if (const auto asked = add_tempest(host, status); !asked && !status.failure) {
    status.failure = asked.error();
  }
  if (generation_of(status).empty()) return status;
  if (const auto added = add_declared(host, status); !added) {
    // No right to look at the kernel is a failure; a lost record is something to report.
    if (status.declared) status.failure = added.error();
    status.unknown = added.error().message();
  }
  return status;
}

const char* role_text(PegasusConfig::Role role) {
  return role == PegasusConfig::Role::kEntry ? "entry" : "exit";
}

Json services_json(const NodeStatus& status) {
  Json services = Json::array();
  if (!status.declared) return services;
  for (const PegasusConfig::Tunnel& tunnel : status.declared->pegasus.tunnels) {
    services.push_back({{"name", tunnel.service},
                        {"id", tunnel.id},
                        {"role", role_text(tunnel.role)},
                        {"peer", tunnel.peer},
                        {"transport", to_string(tunnel.transport)},
                        {"transparent", tunnel.transparent},
                        {"limit_mbps", tunnel.limit_mbps}});
  }
  return services;
}

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json tunnels_json(const TempestStatus& tempest) {
  Json tunnels = Json::array();
  for (const TempestStatus::Peer& peer : tempest.peers) {
    tunnels.push_back(
        {{"peer", peer.name},
         {"device", peer.device},
         {"attached", peer.attached},
         {"endpoint", or_null(peer.endpoint)},
         {"has_session", peer.has_session},
         {"handshake_age_s", peer.handshake_age_s ? Json(*peer.handshake_age_s) : Json()},
         {"sent_bytes", peer.sent_bytes},
         {"received_bytes", peer.received_bytes},
         {"last_error", or_null(peer.last_error)}});
  }
  return tunnels;
}

Json status_json(const NodeStatus& status) {
  Json data = {{"node", or_null(node_of(status))},
               {"public_key", status.has_key ? Json(status.key) : Json()},
               {"generation", or_null(generation_of(status))},
               {"sequence", status.history.last ? Json(status.history.last->sequence) : Json()},
               {"applied_at", status.history.last ? Json(status.history.last->time) : Json()},
               {"interrupted", status.history.interrupted}};
  for (const auto& [name, runs] : status.runtimes) data["runtimes"][name] = runs;
  data["drift"] = nullptr;
  if (status.drift) {
    data["drift"] = {{"counts", counts_json(count(status.drift->changes))},
                     {"changes", changes_json(status.drift->changes)}};
  }
  data["unknown"] = or_null(status.unknown);
  data["services"] = services_json(status);
  data["tunnels"] = status.tempest ? tunnels_json(*status.tempest) : Json();
  data["dropped"] = status.tempest ? Json(status.tempest->dropped) : Json();
  return data;
}

void print_facts(Report& report, const NodeStatus& status) {
  const auto& last = status.history.last;
  const auto fact = [&](const char* name, const std::string& value) {
    report.out(fmt::format("{:<12}{}\n", name, visible(value)));
  };
  const bool unread = status.failure && !last;
  const std::string why = unread ? "unknown: " + status.failure->message() : std::string();
  fact("node", unread                    ? why
               : node_of(status).empty() ? "unknown: nothing is applied here"
                                         : node_of(status));
  fact("key", status.key);
  fact("generation",
       unread ? why
       : generation_of(status).empty()
           ? "none"
           : fmt::format("{}, number {}, of {:%Y-%m-%d %H:%M:%S} UTC", last->generation,
                         last->sequence, fmt::gmtime(static_cast<std::time_t>(last->time))));
  if (status.history.interrupted) {
    fact("last apply", "interrupted; `arctic apply` repairs what it left");
  }
  for (const auto& [name, runs] : status.runtimes)
    fact(name.c_str(), runs ? "running" : "not running");
}

void print_services(Report& report, const NodeStatus& status) {
  Table table{{"SERVICE", "ID", "ROLE", "PEER", "TRANSPORT", "LIMIT"}, {}};
  for (const PegasusConfig::Tunnel& tunnel : status.declared->pegasus.tunnels) {
    std::string transport = to_string(tunnel.transport);
    if (tunnel.transparent) transport += ", transparent";
    table.rows.push_back({tunnel.service, tunnel.id, role_text(tunnel.role), tunnel.peer, transport,
                          tunnel.limit_mbps == 0 ? std::string("none")
                                                 : fmt::format("{} Mbit/s", tunnel.limit_mbps)});
  }
  report.out("\n");
  report.out(table.rows.empty() ? "This node takes part in no service.\n" : table.text());
}

std::string age_text(std::uint64_t seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 3600;
  if (seconds < 2 * kMinute) return fmt::format("{} s ago", seconds);
  if (seconds < 2 * kHour) return fmt::format("{} min ago", seconds / kMinute);
  return fmt::format("{} h ago", seconds / kHour);
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  for (; value >= 1000; value /= 1000) ++unit;
  return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string session_text(const TempestStatus::Peer& peer) {
  if (!peer.attached) return "no device";
  if (!peer.handshake_age_s) return "never";
  return age_text(*peer.handshake_age_s) + (peer.has_session ? "" : ", no session now");
}

void print_tunnels(Report& report, const TempestStatus& tempest) {
  Table table{{"TUNNEL TO", "DEVICE", "ENDPOINT", "HANDSHAKE", "SENT", "RECEIVED"}, {}};
  for (const TempestStatus::Peer& peer : tempest.peers) {
    table.rows.push_back(
        {peer.name, peer.device, peer.endpoint.empty() ? std::string("not known") : peer.endpoint,
         session_text(peer), bytes_text(peer.sent_bytes), bytes_text(peer.received_bytes)});
  }
  report.out("\n");
  report.out(table.rows.empty() ? "No peer has a tunnel here.\n" : table.text());
  for (const TempestStatus::Peer& peer : tempest.peers) {
    if (peer.last_error.empty()) continue;
    report.out(fmt::format("{}: {}\n", visible(peer.name), visible(peer.last_error)));
  }
  std::string reasons;
  for (const auto& [reason, count] : tempest.dropped) {
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", visible(reason), count);
  }
  if (!reasons.empty()) report.out(fmt::format("dropped since Tempest began: {}\n", reasons));
}

void print_declared(Report& report, const NodeStatus& status, bool full) {
  if (!status.drift) return print_services(report, status);
  const ChangeCounts counts = count(status.drift->changes);
  const bool right = status.drift->changes.empty();
  report.out(right ? fmt::format("{:<12}none\n", "drift")
                   : fmt::format("{:<12}{} to add, {} to change, {} to remove; `arctic apply` "
                                 "repairs it\n",
                                 "drift", counts.add, counts.change, counts.remove));
  print_services(report, status);
  if (right) return;
  report.out("\n");
  print_changes(report, status.drift->changes, full);
}

void print(Report& report, const NodeStatus& status, bool full) {
  print_facts(report, status);
  if (!status.unknown.empty())
    report.out(fmt::format("{:<12}unknown: {}\n", "drift", visible(status.unknown)));
  if (status.declared) print_declared(report, status, full);
  if (status.tempest) print_tunnels(report, *status.tempest);
}

}  // namespace

Run define_status(CLI::App& app, Session& session) {
  auto full = std::make_shared<bool>(false);
  app.add_flag("--full", *full, "show long lists of drift whole");
  return [&session, full]() -> Result<ExitCode> {
    LinuxHost host(session.root);
    const NodeStatus status = collect(session, host);
    if (session.json) {
      session.report.out(json_text(status_json(status)));
    } else {
      print(session.report, status, *full);
    }
    if (status.failure) return tl::unexpected<Error>(*status.failure);
    return ExitCode::kSuccess;
  };
}

}  // namespace arctic::cli
