// Forwarded packets per second through 10, 1,000 and 10,000 routes, as we program them (few as a
// list of rules, many as interval maps) and as the same routes in a linear list of rules.
//
//   client ──cable── entry ──cable── sink        one such line for each number of routes
//
// The client sends prebuilt UDP frames. All the way, from the client's device to the sink's, a
// packet is handled by the thread that sends it, so packets per second of its processor time are
// the inverse of their cost, whatever else the machine does. The entry has no ordinary route: only
// packets that were classified and marked reach the sink, where they are counted.
//
// Two lines differ by a percent for reasons of their own (where their memory lies), so both forms
// run on one: the list is a chain of the same table, and before each slice the form whose turn it
// is gets loaded anew and the last rule of prerouting leads to it. Two slices, one of each form,
// make a round and one ratio. Needs root; works in namespaces of its own.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>

#include "compiler/compile.h"
#include "compiler/load.h"
#include "compiler/statements.h"
#include "compiler/trace.h"
#include "tests/bench/measure.h"
#include "tests/support/lab.h"
#include "tests/support/packet.h"
#include "tests/support/synthetic_config.h"

namespace arctic::bench {
namespace {

using lab::End;
using lab::Namespace;

constexpr std::size_t kFlows = 64;
constexpr double kSlice = 0.03;    ///< seconds of sending at a time
constexpr double kWarmUp = 0.005;  ///< the same right before a slice, unmeasured
constexpr int kRounds = 400;
constexpr int kFewestRounds = 64;  ///< also where loading is slow
constexpr double kBudget = 45;     ///< seconds for the others

struct Routes {
  std::string yaml;
  Config config;
  Compiled compiled;
};

Routes routes_of(std::size_t count) {
  test::SyntheticShape shape;
  shape.routes = count;
  Routes routes;
  routes.yaml = test::synthetic_config(shape);
  Diagnostics diagnostics;
  routes.config = load(routes.yaml, diagnostics);
  if (diagnostics.has_errors()) throw std::runtime_error(diagnostics.all().front().reason);
  routes.compiled = compile(routes.config, test::kSyntheticNode);
  return routes;
}

/// The chain that a form is, and the transaction that loads it and leads all packets to it.
struct Form {
  std::string chain;
  std::string load;
};

Form form_of(const Routes& routes, const std::string& chain, const std::string& rules) {
  const nft::Table& table = *routes.compiled.desired.table;
  std::string text = "table inet arctic {\n chain " + chain + " { }\n}\nflush chain inet arctic " +
                     chain + "\nflush chain inet arctic prerouting\ntable inet arctic {\n chain " +
                     chain + " {\n" + rules + " }\n chain prerouting {\n";
  std::vector<nft::Rule> before = table.chains.at("prerouting").rules;
  before.back() = nft::make_rule({nft::go_to(chain)});
  for (const nft::Rule& rule : before) text += rule.text + "\n";
  return {chain, text + " }\n}\n"};
}

/// As we program it.
Form our_form(const Routes& routes) {
  std::string rules;
  for (const nft::Rule& rule : routes.compiled.desired.table->chains.at("classify").rules) {
    rules += rule.text + "\n";
  }
  return form_of(routes, "classify", rules);
}

/// The same decisions rule by rule: what a user would write by hand, in the plan's order.
Form linear_form(const Routes& routes) {
  std::string text;
  for (const Rule& rule : routes.compiled.plan.rules) {
    for (const auto& [prefix, side] :
         {std::pair(rule.source, "saddr "), std::pair(rule.destination, "daddr ")}) {
      if (!prefix) continue;
      text += prefix->family == Family::kIpv4 ? "ip " : "ip6 ";
      text += side + prefix->to_string() + " ";
    }
    text += "goto svc_" + routes.config.services[rule.service].name.value + "\n";
  }
  return form_of(routes, "linear", text);
}

Address somewhere_in(const Prefix& prefix, std::mt19937& random) {
  const U128 hosts = prefix.last() - prefix.first();
  const U128 host = (U128{random()} << 32 | random()) & hosts;
  return {prefix.family, prefix.first() + host};
}

/// Flows spread evenly over the rules, as the plan orders them; the same for every ruleset.
std::vector<std::string> flows_of(const Routes& routes) {
  std::mt19937 random(1);
  const auto& rules = routes.compiled.plan.rules;
  const Tracer tracer(routes.config, routes.compiled.plan);
  std::vector<std::string> packets;
  for (std::size_t i = 0; i < kFlows; ++i) {
    const Rule& rule = rules[i * rules.size() / kFlows];
    const Family family = (rule.source ? rule.source : rule.destination)->family;
    const Prefix any{family, 8, family == Family::kIpv4 ? U128{55} << 24 : U128{0x30} << 120};
    lab::Datagram datagram;
    datagram.from = somewhere_in(rule.source.value_or(any), random);
    datagram.to = somewhere_in(rule.destination.value_or(any), random);
    datagram.source_port = static_cast<std::uint16_t>(10'000 + i);
    datagram.destination_port = 9;
    datagram.payload = std::string(18, 'x');
    const Packet packet{datagram.from, datagram.to, lab::kUdp, {}};
    if (!tracer.match(packet)) throw std::runtime_error("a flow that no route takes");
    packets.push_back(lab::encode(datagram));
  }
  return packets;
}

/// Seconds that this thread has had a processor.
double processor_time() {
  timespec time{};
  if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) lab::throw_errno("thread clock");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// client – entry – sink, with the routes of one number at the entry.
class Line {
 public:
  explicit Line(const Routes& routes) {
    lab::connect({&client_, "c0", {"10.254.1.1/30", "fdfe:1::1/64"}},
                 {&entry_, "e0", {"10.254.1.2/30", "fdfe:1::2/64"}});
    lab::connect({&entry_, "s0", {"10.254.2.1/30", "fdfe:2::1/64"}},
                 {&sink_, "x0", {"10.254.2.2/30", "fdfe:2::2/64"}});
    for (const char* each : {"all", "default", "e0"}) {
      entry_.set_sysctl(std::string("net/ipv4/conf/") + each + "/rp_filter", "0");
    }
    lab::apply(entry_, folder_, routes.yaml, test::kSyntheticNode);
    divert_tunnels(routes);
    open_socket();
    make_messages(routes);
  }
  ~Line() { ::close(socket_); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// Packets that came out per second of processor time, over a slice of sending through a form.
  double rate(const Form& form) {
    entry_.nft(form.load);
    send_for(kWarmUp);
    return send_for(kSlice);
  }

 private:
  double send_for(double seconds) {
    const std::uint64_t before = received();
    std::uint64_t sent = 0;
    const double start = processor_time();
    double time = 0;
    while ((time = processor_time() - start) < seconds) sent += send_all();
    const std::uint64_t arrived = received() - before;
    // Neighbour discovery may add a packet or two of its own.
    if (arrived < sent || arrived > sent + 8) {
      throw std::runtime_error("sent " + std::to_string(sent) + " packets, " +
                               std::to_string(arrived) + " arrived");
    }
    return static_cast<double>(sent) / time;
  }

  /// The peers' tables lead to the sink instead of to devices that nobody reads.
  void divert_tunnels(const Routes& routes) {
    std::string batch;
    for (const PolicyRoute& route : routes.compiled.desired.routes) {
      if (route.type != RouteType::kUnicast) continue;
      const bool v4 = route.family == Family::kIpv4;
      const std::string all = v4 ? "0.0.0.0/0" : "::/0";
      const std::string table = " table " + std::to_string(route.table) + "\n";
      batch += "route del " + all + " dev " + route.device + table;
      batch += "route add " + all + " via " + (v4 ? "10.254.2.2" : "fdfe:2::2") + " dev s0" + table;
    }
    entry_.ip(batch);
  }

  void open_socket() {
    const lab::Inside inside(client_);
    socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (socket_ < 0) lab::throw_errno("packet socket");
    to_.sll_family = AF_PACKET;
    to_.sll_ifindex = static_cast<int>(::if_nametoindex("c0"));
    const int on = 1;
    if (::setsockopt(socket_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) {
      lab::throw_errno("PACKET_QDISC_BYPASS");
    }
  }

  void make_messages(const Routes& routes) {
    const std::string head = entry_.mac("e0") + client_.mac("c0");
    for (const std::string& packet : flows_of(routes)) {
      const bool v4 = (packet[0] & 0xf0) == 0x40;
      frames_.push_back(head + (v4 ? std::string("\x08\x00", 2) : std::string("\x86\xdd", 2)) +
                        packet);
    }
    for (std::size_t i = 0; i < kFlows; ++i) {
      parts_[i] = {frames_[i].data(), frames_[i].size()};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_name = &to_;
      messages_[i].msg_hdr.msg_namelen = sizeof to_;
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  std::uint64_t send_all() {
    const int sent = ::sendmmsg(socket_, messages_.data(), kFlows, 0);
    if (sent < 0) lab::throw_errno("sendmmsg");
    return static_cast<std::uint64_t>(sent);
  }

  /// Packets that the sink's device has taken in.
  [[nodiscard]] std::uint64_t received() const {
    const lab::Inside inside(sink_);
    std::ifstream devices("/proc/thread-self/net/dev");
    for (std::string line; std::getline(devices, line);) {
      if (line.find("x0:") == std::string::npos) continue;
      std::istringstream fields(line.substr(line.find(':') + 1));
      std::uint64_t bytes = 0;
      std::uint64_t packets = 0;
      fields >> bytes >> packets;
      return packets;
    }
    throw std::runtime_error("the sink has no device");
  }

  Namespace client_;
  Namespace entry_;
  Namespace sink_;
  lab::Folder folder_;
  int socket_ = -1;
  sockaddr_ll to_{};
  std::vector<std::string> frames_;
  std::array<iovec, kFlows> parts_{};
  std::array<mmsghdr, kFlows> messages_{};
};

/// Medians of what was measured for one number of routes, and how sure the ratio is.
struct Row {
  std::size_t routes = 0;
  double ours = 0;
  double linear = 0;
  double ratio = 0;  ///< median of the rounds' ratios, ours to linear
  double low = 0;    ///< its 99 % interval
  double high = 0;
};

/// The 99 % interval of a median: that of the medians of samples drawn from the sample.
std::pair<double, double> interval_of_median(const std::vector<double>& values) {
  constexpr std::size_t kDraws = 4000;
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> any(0, values.size() - 1);
  std::vector<double> medians;
  std::vector<double> drawn(values.size());
  for (std::size_t i = 0; i < kDraws; ++i) {
    for (double& value : drawn) value = values[any(random)];
    medians.push_back(median(drawn));
  }
  std::sort(medians.begin(), medians.end());
  return {medians[kDraws / 200], medians[kDraws - 1 - kDraws / 200]};
}

/// A line, its two forms, and what was measured.
class Column {
 public:
  /// Takes part in every `period`-th round.
  Column(std::size_t count, int period) : count_(count), period_(period) {
    const Routes routes = routes_of(count);
    line_ = std::make_unique<Line>(routes);
    forms_ = {our_form(routes), linear_form(routes)};
  }

  /// A slice of each form, which one first alternates.
  void take_part(int round) {
    if (round % period_ != 0) return;
    const bool warm = round >= 0;
    std::array<double, 2> rate{};
    const std::size_t first = ++turn_ % 2;
    for (const std::size_t i : {first, 1 - first}) rate[i] = line_->rate(forms_[i]);
    if (!warm) return;
    for (std::size_t i = 0; i < rate.size(); ++i) rates_[i].push_back(rate[i]);
    ratios_.push_back(rate[0] / rate[1]);
  }

  [[nodiscard]] Row row() const {
    const auto [low, high] = interval_of_median(ratios_);
    return {count_, median(rates_[0]), median(rates_[1]), median(ratios_), low, high};
  }

 private:
  std::size_t count_;
  int period_;
  std::unique_ptr<Line> line_;
  std::array<Form, 2> forms_;
  std::array<std::vector<double>, 2> rates_;
  std::vector<double> ratios_;
  std::size_t turn_ = 0;
};

int run() {
  lab::stay_on_one_processor();
  // At 10 routes the two forms are nearly one: only many rounds tell them apart.
  std::array<Column, 3> columns = {Column(10, 1), Column(1'000, 16), Column(10'000, 24)};
  double spent = 0;
  int round = -1;
  for (; round < kFewestRounds || (round < kRounds && spent < kBudget); ++round) {
    spent += seconds([&] {
      for (Column& column : columns) column.take_part(round);
    });
  }
  const std::array<Row, 3> rows = {columns[0].row(), columns[1].row(), columns[2].row()};
  std::printf(
      "  forwarded packets per second of processor time, medians of up to %d rounds in turns;\n"
      "  list: the same routes as a linear list of rules\n",
      round);
  std::printf("  %10s %12s %12s %12s %18s %15s\n", "routes", "ours", "list", "ours/list",
              "99 % interval", "ours/ours at 10");
  for (const Row& row : rows) {
    std::printf("  %10zu %12.0f %12.0f %11.3fx %9.3f to %.3f %14.2fx\n", row.routes, row.ours,
                row.linear, row.ratio, row.low, row.high, row.ours / rows[0].ours);
  }
  Bounds bounds;
  bounds.at_least("ours at 10,000 routes against ours at 10", rows[2].ours / rows[0].ours, 0.85,
                  "x");
  // At 10 routes the two are the same rules, so half of all measured ratios are under 1.
  bounds.at_least("ours/list at 10 routes, upper end of its 99 % interval", rows[0].high, 1, "x");
  return bounds.exit_status();
}

}  // namespace
}  // namespace arctic::bench

int main() {
  try {
    return arctic::bench::run();
  } catch (const std::exception& failure) {
    std::cerr << "bench_classify: " << failure.what() << "\n";
    return 1;
  }
}
