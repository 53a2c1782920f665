// traffic: makes traffic and checks it, for tests and measurements: TCP, and UDP by rate.
//
// `traffic serve MODE=PORT…` on one machine, `traffic WHAT ADDRESS PORT …` on another. A client
// prints one line of JSON and ends with 0 if everything was as it should be, 1 if not.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <thread>

#include "tests/lab/traffic/client.h"
#include "tests/lab/traffic/handshake_flood.h"
#include "tests/lab/traffic/server.h"
#include "tests/lab/traffic/udp_load.h"

namespace arctic::traffic {
namespace {

using Job = std::function<Task<void>(Client&)>;

struct Options {
  std::string address;
  std::uint16_t port = 0;
  std::uint64_t seed = 1;
  double patience = 30;
  double within = 5;
  double every = 0.1;
  double seconds = 5;
  double skip = 1;
  double late = -1;
  std::string direction;
  std::uint64_t pings = 10000;
  std::uint64_t flows = 1;
  bool samples = false;
  CheckPlan check;
  RatePlan rate;
  HoldPlan hold;
  UdpLoad udp;
  HandshakeFlood flood;
  std::string key;
  std::vector<std::string> modes;
};

/// As many descriptors as the machine lets us have.
void raise_limits() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const Options& options) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  auto loop = EventLoop::make();
  if (!loop) return 1;
  const auto server = Server::make(**loop, options.modes);
  if (!server) return 1;
  std::thread waiter([&ends, &loop] {
    int signal = 0;
    ::sigwait(&ends, &signal);
    (*loop)->stop();
  });
  std::puts("ready");
  std::fflush(stdout);
  (*loop)->run();
  waiter.join();
  std::printf("%s\n", server->report().to_json().c_str());
  std::fflush(stdout);
  // Connections may be open, and what they run in has nobody who would end it.
  ::_exit(0);
}

Task<void> run_job(const Job& job, Client& client) {
  co_await job(client);
  client.loop.stop();
}

std::optional<Address> address_of(const Options& options) {
  const auto address = parse_address(options.address);
  if (!address) std::fprintf(stderr, "traffic: \"%s\" is no address\n", options.address.c_str());
  return address;
}

int load_udp(Options options) {
  const auto address = address_of(options);
  if (!address) return 64;
  options.udp.address = *address;
  options.udp.port = options.port;
  return load_datagrams(options.udp);
}

int flood(Options options) {
  const auto address = address_of(options);
  const auto key = parse_public_key(options.key);
  if (!key) std::fprintf(stderr, "traffic: \"%s\" is no key\n", options.key.c_str());
  if (!address || !key) return 64;
  options.flood.address = *address;
  options.flood.port = options.port;
  options.flood.key = *key;
  return flood_handshakes(options.flood);
}

int run_client(const Options& options, const Job& job) {
  const auto address = address_of(options);
  if (!address) return 64;
  auto loop = EventLoop::make();
  if (!loop) return 1;
  set_patience(std::chrono::nanoseconds(static_cast<std::int64_t>(options.patience * 1e9)));
  Client client{**loop, {*address, options.port}, options.seed, {}};
  start(run_job(job, client));
  (*loop)->run();
  std::printf("%s\n", client.report.to_json().c_str());
  return client.report.good() ? 0 : 1;
}

CLI::App* client_command(CLI::App& app, Options& o, const char* name, const char* what) {
  CLI::App* const command = app.add_subcommand(name, what);
  command->add_option("ADDRESS", o.address)->required();
  command->add_option("PORT", o.port)->required();
  command->add_option("--seed", o.seed, "What content and sizes depend on");
  command->add_option("--patience", o.patience, "Seconds that any single wait may take");
  return command;
}

void add_check_options(CLI::App& command, Options& o) {
  command.add_option("--count", o.check.count, "Connections");
  command.add_option("--at-once", o.check.at_once, "So many beside each other");
  command.add_option("--most", o.check.most, "Bytes each way at most");
  command.add_flag("--exact", o.check.exact, "Exactly --most bytes, on each connection");
  command.add_option("--chunk", o.check.chunk, "Bytes of one write")->check(CLI::Range(1, 262144));
}

std::chrono::duration<double> span(double seconds) {
  return std::chrono::duration<double>(seconds);
}

/// Commands for the server's `check`, by name.
void add_checks(CLI::App& app, Options& o, std::map<CLI::App*, Job>& jobs) {
  struct Check {
    const char* name;
    const char* what;
    Task<void> (*run)(Client&, CheckPlan);
  };
  static constexpr Check kChecks[] = {
      {"check", "every byte both ways, with server `check`", check},
      {"server-ends", "the server half-closes first, with `check`", server_ends},
      {"server-resets", "the server resets in mid-stream, with `check`", server_resets},
      {"client-resets", "the client resets in mid-stream, with `check`", client_resets}};
  for (const Check& each : kChecks) {
    CLI::App* const command = client_command(app, o, each.name, each.what);
    add_check_options(*command, o);
    jobs[command] = [&o, run = each.run](Client& c) { return run(c, o.check); };
  }
}

void add_loads(CLI::App& app, Options& o, std::map<CLI::App*, Job>& jobs) {
  CLI::App* command = client_command(app, o, "rate", "short connections, with `echo`");
  command->add_option("--per-second", o.rate.per_second, "0: as many as there can be");
  command->add_option("--count", o.rate.count, "So many, however long it takes");
  command->add_option("--seconds", o.seconds);
  command->add_flag("--until-told", o.rate.until_told, "Until a byte or the end of the input");
  command->add_option("--at-once", o.rate.at_once, "So many beside each other");
  command->add_option("--bytes", o.rate.bytes, "Sent and sent back on each");
  jobs[command] = [&o](Client& c) {
    o.rate.time = span(o.seconds);
    return rate(c, o.rate);
  };
  command = client_command(app, o, "hold",
                           "long connections until a byte or the end of the input, with `echo`");
  command->add_option("--count", o.hold.count, "Connections");
  command->add_option("--every", o.every, "Seconds between two exchanges on each; 0: idle");
  command->add_option("--bytes", o.hold.bytes, "Sent and sent back each time");
  jobs[command] = [&o](Client& c) {
    o.hold.every = span(o.every);
    return hold(c, o.hold);
  };
  command = client_command(app, o, "ping", "latencies of one byte there and back, with `echo`");
  command->add_option("--count", o.pings);
  jobs[command] = [&o](Client& c) { return ping(c, o.pings); };
  command = client_command(app, o, "flow", "bulk rates, up with `sink`, down with `source`");
  command->add_option("DIRECTION", o.direction)->required()->check(CLI::IsMember({"up", "down"}));
  command->add_option("--flows", o.flows);
  command->add_option("--seconds", o.seconds);
  command->add_option("--skip", o.skip, "Seconds at the beginning that do not count");
  command->add_option("--late", o.late, "The last flow begins so many seconds after the others");
  command->add_flag("--samples", o.samples,
                    "Bytes of each flow in each 100 ms; the first by the monotonic clock");
  jobs[command] = [&o](Client& c) {
    return flow(
        c, {o.direction == "up", o.flows, span(o.seconds), span(o.skip), span(o.late), o.samples});
  };
}

void add_singles(CLI::App& app, Options& o, std::map<CLI::App*, Job>& jobs) {
  CLI::App* command = client_command(app, o, "first", "the server speaks first, with `first`");
  jobs[command] = [](Client& c) { return first(c); };
  command = client_command(app, o, "who", "what address the server sees, with `who`");
  jobs[command] = [](Client& c) { return who(c); };
  command = client_command(app, o, "outcome", "how a connection ends, if it does");
  command->add_option("--within", o.within, "Seconds");
  jobs[command] = [&o](Client& c) {
    return outcome(c, std::chrono::duration_cast<std::chrono::nanoseconds>(span(o.within)));
  };
  command =
      client_command(app, o, "stall", "up with `slow`, down with `source`, until nothing moves");
  command->add_option("DIRECTION", o.direction)->required()->check(CLI::IsMember({"up", "down"}));
  jobs[command] = [&o](Client& c) { return stall(c, o.direction == "up"); };
}

int main(int argc, char** argv) {
  CLI::App app("Makes traffic and checks it.", "traffic");
  app.require_subcommand(1);
  Options options;
  std::map<CLI::App*, Job> jobs;
  CLI::App* const server = app.add_subcommand("serve", "a port per mode, until SIGTERM");
  server
      ->add_option("MODE=PORT", options.modes,
                   "sink, source, echo, check, first, reset, slow or who, and its port")
      ->required();
  CLI::App* const counter = app.add_subcommand("udp-count", "counts what udp-load sends");
  counter->add_option("PORT", options.port)->required();
  CLI::App* const load = app.add_subcommand("udp-load", "UDP by rate, to udp-count");
  load->add_option("ADDRESS", options.address)->required();
  load->add_option("PORT", options.port)->required();
  load->add_option("--bytes", options.udp.bytes, "Of payload");
  load->add_option("--per-second", options.udp.per_second, "Datagrams");
  load->add_option("--seconds", options.udp.seconds);
  load->add_flag("--until-told", options.udp.until_told, "Or until a byte, or the input's end");
  CLI::App* const strangers =
      app.add_subcommand("handshake-flood", "WireGuard initiations of strangers");
  strangers->add_option("ADDRESS", options.address)->required();
  strangers->add_option("PORT", options.port)->required();
  strangers->add_option("--key", options.key, "Public key of who is flooded")->required();
  strangers->add_option("--sources", options.flood.sources, "Addresses");
  strangers->add_option("--per-second", options.flood.per_second, "Messages");
  strangers->add_option("--seconds", options.flood.seconds);
  strangers->add_option("--burst", options.flood.burst, "Messages that go together, at least");
  add_checks(app, options, jobs);
  add_loads(app, options, jobs);
  add_singles(app, options, jobs);
  CLI11_PARSE(app, argc, argv);
  raise_limits();
  if (server->parsed()) return serve(options);
  if (counter->parsed()) return count_datagrams(options.port);
  if (load->parsed()) return load_udp(options);
  if (strangers->parsed()) return flood(options);
  return run_client(options, jobs.at(app.get_subcommands().front()));
}

}  // namespace
}  // namespace arctic::traffic

int main(int argc, char** argv) { return arctic::traffic::main(argc, argv); }
