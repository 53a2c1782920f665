#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/node.h"
#include "cli/plan_view.h"
#include "cli/route_facts.h"
#include "cli/trace_lines.h"
#include "compiler/trace.h"

namespace arctic::cli {

namespace {

struct Options {
  std::string file;
  std::string node;
  std::string from;
  std::string to;
  std::string protocol = "tcp";
  std::string iif;
  bool lines = false;
};

struct Traced {
  const Config& config;
  const RulePlan& plan;
  Numbers numbers;
  Packet packet;
  std::string protocol;
  Explanation explanation;
};

Result<Address> address_of(const char* flag, const std::string& text) {
  if (text.empty()) {
    return fail(ErrorCode::kUsage, flag, "is missing",
                "for instance `arctic trace --from 10.1.2.3 --to 192.168.100.50`");
  }
  const auto address = parse_address(text);
  if (!address) {
    return fail(ErrorCode::kUsage, flag, fmt::format("`{}` is no IPv4 or IPv6 address", text));
  }
  return *address;
}

Result<Packet> packet_of(const Options& options) {
  Packet packet;
  ARCTIC_TRY(packet.from, address_of("--from", options.from));
  ARCTIC_TRY(packet.to, address_of("--to", options.to));
  if (packet.from.family != packet.to.family) {
    return fail(ErrorCode::kUsage, "--from, --to", "one is IPv4 and the other IPv6",
                "a packet has one family");
  }
  const auto protocol = parse_protocol(options.protocol);
  if (!protocol) {
    return fail(ErrorCode::kUsage, "--proto",
                fmt::format("`{}` is neither a protocol's name nor a number from 0 to 255",
                            options.protocol),
                "for instance tcp, udp, icmp, ipv6-icmp, 47");
  }
  packet.protocol = *protocol;
  packet.iif = options.iif;
  return packet;
}

const Rule* winner_of(const Traced& traced) {
  const auto& winner = traced.explanation.winner;
  return winner ? &traced.plan.rules[*winner] : nullptr;
}

std::string rule_line(const Traced& traced, std::size_t index) {
  const Rule& rule = traced.plan.rules[index];
  const std::string priority =
      rule.category == Category::kInterface ? "" : fmt::format("  priority {}", rule.priority);
  return fmt::format("#{:<4} {}{}  {}", index + 1, match_text(traced.config, rule), priority,
                     route_label(traced.config, rule));
}

void print_categories(Report& report, const Traced& traced) {
  const auto& winner = traced.explanation.winner;
  for (const CategoryTrace& category : traced.explanation.categories) {
    report.out(fmt::format(
        "  {} {:<12} {}\n", static_cast<int>(category.category), to_string(category.category),
        category.tried == 0 ? "no rules"
        : category.matches.empty()
            ? fmt::format("{} tried, none matches", category.tried)
            : fmt::format("{} tried, {} match{}", category.tried, category.matches.size(),
                          category.matches.size() == 1 ? "es" : "")));
    for (const std::size_t index : category.matches) {
      const bool won = winner && *winner == index;
      const std::string line = rule_line(traced, index);
      if (won) {
        report.out(Colour::kGreen, "    → " + line + "  wins");
      } else {
        report.out("      " + line);
      }
      report.out("\n");
    }
  }
}

void print_handling(Report& report, const Traced& traced, const Rule& rule) {
  const Service& service = traced.config.services[rule.service];
  const Handler handler = handler_of(traced.packet.protocol);
  const std::string& peer = service.target_peer.value;
  if (handler == Handler::kPegasus) {
    report.out(fmt::format("  handler  Pegasus, port {} on loopback\n",
                           pegasus_port(traced.numbers, service)));
    report.out(fmt::format("  peer     {}, over {}\n", peer,
                           service.transport ? to_string(service.transport->value) : "tcp"));
    report.out(
        fmt::format("  limit    {}\n", service.limit_mbps.value == 0
                                           ? "none"
                                           : fmt::format("{} Mbit/s", service.limit_mbps.value)));
    report.out(
        fmt::format("  down     {} while Pegasus is down\n", to_string(service.on_down.value)));
  } else {
    report.out(fmt::format("  handler  Tempest, device {}\n", tunnel_device(peer)));
    report.out(fmt::format("  peer     {}, over UDP\n", peer));
  }
  report.out(fmt::format("  exit     {}\n", at_exit(service, handler)));
}

// --iif is a device; people know services by name.
void hint_at_interface(Report& report, const Traced& traced) {
  const Service* service = traced.config.find_service(traced.packet.iif);
  if (service == nullptr || macvlan_name(*service) == traced.packet.iif) return;
  report.say(
      service->has_interface()
          ? fmt::format("help: {} is a service; its interface is {}: say --iif {}",
                        service->name.value, macvlan_name(*service), macvlan_name(*service))
          : fmt::format("help: {} is a service without an interface; --iif takes the name of "
                        "an interface",
                        service->name.value));
}

void print_trace(Report& report, const Traced& traced) {
  const Packet& packet = traced.packet;
  report.out(fmt::format("{} → {}, {}{}, at {}\n\n", packet.from.to_string(), packet.to.to_string(),
                         traced.protocol, packet.iif.empty() ? "" : ", in by " + packet.iif,
                         traced.plan.node));
  if (never_captured(packet.to) == nullptr) {
    print_categories(report, traced);
    report.out("\n");
  }
  const Rule* rule = winner_of(traced);
  if (rule == nullptr) {
    report.out(fmt::format("No service: {}.\n", traced.explanation.why));
    return;
  }
  const Service& service = traced.config.services[rule->service];
  report.out(Colour::kBold, fmt::format("{} ({})", service.name.value, service_id(service)));
  report.out(fmt::format(", by {}\n", route_label(traced.config, *rule)));
  if (!traced.explanation.why.empty()) {
    report.out(fmt::format("  why      {}\n", traced.explanation.why));
  }
  if (!traced.explanation.beaten.empty()) {
    std::vector<std::string> beaten;
    for (const std::size_t index : traced.explanation.beaten) {
      beaten.push_back(route_label(traced.config, traced.plan.rules[index]));
    }
    report.out(fmt::format("  beat     {}\n", fmt::join(beaten, ", ")));
  }
  print_handling(report, traced, *rule);
}

nlohmann::ordered_json rule_json(const Traced& traced, std::size_t index) {
  const Rule& rule = traced.plan.rules[index];
  const auto text = [](const std::optional<Prefix>& prefix) {
    return prefix ? nlohmann::ordered_json(prefix->to_string()) : nlohmann::ordered_json(nullptr);
  };
  return {{"rank", index + 1},
          {"category", to_string(rule.category)},
          {"source", text(rule.source)},
          {"destination", text(rule.destination)},
          {"priority", rule.priority},
          {"service", traced.config.services[rule.service].name.value},
          {"route", rule.category == Category::kInterface
                        ? nlohmann::ordered_json(nullptr)
                        : nlohmann::ordered_json(route_label(traced.config, rule))}};
}

nlohmann::ordered_json trace_json(const Traced& traced, const LineTracer& tracer) {
  std::string line;
  tracer.answer(traced.packet, '"' + traced.protocol + '"', line);
  auto data = nlohmann::ordered_json::parse(line);
  data["node"] = traced.plan.node;
  data["why"] = traced.explanation.why;
  data["categories"] = nlohmann::ordered_json::array();
  for (const CategoryTrace& category : traced.explanation.categories) {
    nlohmann::ordered_json matches = nlohmann::ordered_json::array();
    for (const std::size_t index : category.matches) matches.push_back(rule_json(traced, index));
    data["categories"].push_back({{"category", to_string(category.category)},
                                  {"tried", category.tried},
                                  {"matches", std::move(matches)}});
  }
  data["beaten"] = nlohmann::ordered_json::array();
  for (const std::size_t index : traced.explanation.beaten) {
    data["beaten"].push_back(rule_json(traced, index));
  }
  if (const Rule* rule = winner_of(traced)) {
    const Service& service = traced.config.services[rule->service];
    data["id"] = service_id(service);
    data["transport"] = to_string(service.transport ? service.transport->value : Transport::kTcp);
    data["at_exit"] = at_exit(service, handler_of(traced.packet.protocol));
  }
  return data;
}

Result<ExitCode> run(Session& session, const Options& options) {
  if (options.lines && (options.file == "-" || !options.from.empty() || !options.to.empty())) {
    return fail(ErrorCode::kUsage, "--stdin", "takes its packets from standard input alone",
                "leave --from and --to out, and name the configuration as a file");
  }
  Packet packet;
  if (!options.lines) {
    ARCTIC_TRY(packet, packet_of(options));
  }
  ARCTIC_TRY(const Loaded loaded, load_config(session, options.file));
  ARCTIC_TRY(const std::string node, offline_node(session, loaded.config, options.node));
  const RulePlan plan = order(loaded.config, node);
  const LineTracer tracer(loaded.config, plan);
  if (options.lines) {
    ARCTIC_CHECK(tracer.run(session.report));
    return ExitCode::kSuccess;
  }
  const Traced traced{loaded.config,           plan,
                      allocate(loaded.config), packet,
                      options.protocol,        explain(loaded.config, plan, packet)};
  if (session.json) {
    session.report.out(json_text(trace_json(traced, tracer)));
  } else {
    print_trace(session.report, traced);
  }
  hint_at_interface(session.report, traced);
  return ExitCode::kSuccess;
}

}  // namespace

Run define_trace(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  add_file(app, options->file);
  add_node(app, options->node);
  app.add_option("--from", options->from, "the packet's source address")->type_name("ADDRESS");
  app.add_option("--to", options->to, "its destination address")->type_name("ADDRESS");
  app.add_option("--proto", options->protocol, "tcp, udp, icmp, ipv6-icmp, … or a number")
      ->type_name("PROTO")
      ->capture_default_str();
  app.add_option("--iif", options->iif,
                 "the interface it comes in by; left out, or lo: perhaps the node itself sends it")
      ->type_name("NAME");
  app.add_flag("--stdin", options->lines,
               "read packets as JSON lines from standard input, write one JSON line for each");
  app.footer(
      "A node never captures packets to multicast, broadcast and link-local addresses. Nor to its "
      "own addresses\nand to the broadcast addresses of its networks, but these only the node "
      "knows: "
      "trace answers for them as\nfor any other.");
  return [&session, options] { return run(session, *options); };
}

}  // namespace arctic::cli
