// Forwarded packets per second through 10, 1,000 and 10,000 routes, as our interval maps and as the
// same routes in a linear list of rules.
//
//   client ──cable── entry ──cable── sink        one such line for each of the six rulesets
//
// The client sends prebuilt UDP frames. All the way, from the client's device to the sink's, a
// packet is handled by the thread that sends it, so packets per second of its processor time are
// the inverse of their cost, whatever else the machine does. The entry has no ordinary route: only
// packets that were classified and marked reach the sink, where they are counted. The rulesets take
// turns. Needs root; works in namespaces of its own.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>

#include "compiler/compile.h"
#include "compiler/load.h"
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
constexpr double kSlice = 0.03;  ///< seconds of sending at a time
constexpr int kRounds = 25;

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

/// The same decisions rule by rule: what a user would write by hand, in the plan's order.
std::string linear_list(const Routes& routes) {
  std::string text = "flush chain inet arctic classify\ntable inet arctic {\n chain classify {\n";
  for (const Rule& rule : routes.compiled.plan.rules) {
    for (const auto& [prefix, side] :
         {std::pair(rule.source, "saddr "), std::pair(rule.destination, "daddr ")}) {
      if (!prefix) continue;
      text += prefix->family == Family::kIpv4 ? "ip " : "ip6 ";
      text += side + prefix->to_string() + " ";
    }
    text += "goto svc_" + routes.config.services[rule.service].name.value + "\n";
  }
  return text + " }\n}\n";
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

/// client – entry – sink, with one ruleset at the entry.
class Line {
 public:
  Line(const Routes& routes, bool linear) {
    lab::connect({&client_, "c0", {"10.254.1.1/30", "fdfe:1::1/64"}},
                 {&entry_, "e0", {"10.254.1.2/30", "fdfe:1::2/64"}});
    lab::connect({&entry_, "s0", {"10.254.2.1/30", "fdfe:2::1/64"}},
                 {&sink_, "x0", {"10.254.2.2/30", "fdfe:2::2/64"}});
    for (const char* each : {"all", "default", "e0"}) {
      entry_.set_sysctl(std::string("net/ipv4/conf/") + each + "/rp_filter", "0");
    }
    lab::apply(entry_, folder_, routes.yaml, test::kSyntheticNode);
    if (linear) entry_.nft(linear_list(routes));
    divert_tunnels(routes);
    open_socket();
    make_messages(routes);
  }
  ~Line() { ::close(socket_); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// Packets that came out per second of processor time, over a slice of sending.
  double rate() {
    const std::uint64_t before = received();
    std::uint64_t sent = 0;
    const double start = processor_time();
    double time = 0;
    while ((time = processor_time() - start) < kSlice) sent += send_all();
    const std::uint64_t arrived = received() - before;
    // Neighbour discovery may add a packet or two of its own.
    if (arrived < sent || arrived > sent + 8) {
      throw std::runtime_error("sent " + std::to_string(sent) + " packets, " +
                               std::to_string(arrived) + " arrived");
    }
    return static_cast<double>(sent) / time;
  }

 private:
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

constexpr std::array<std::size_t, 3> kSizes = {10, 1'000, 10'000};

struct Column {
  std::unique_ptr<Line> line;
  std::vector<double> rates;
};

int run() {
  lab::stay_on_one_processor();
  std::array<Column, kSizes.size()> ours;
  std::array<Column, kSizes.size()> linear;
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    const Routes routes = routes_of(kSizes[i]);
    ours[i].line = std::make_unique<Line>(routes, false);
    linear[i].line = std::make_unique<Line>(routes, true);
  }
  for (int round = -2; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kSizes.size(); ++i) {
      for (Column* column : {&ours[i], &linear[i]}) {
        const double rate = column->line->rate();
        if (round >= 0) column->rates.push_back(rate);
      }
    }
  }
  std::array<double, kSizes.size()> fast{};
  std::printf("  forwarded packets per second of processor time; medians of %d interleaved runs\n",
              kRounds);
  std::printf("  %10s %12s %12s %16s %16s\n", "routes", "maps", "linear", "maps/linear",
              "maps/maps at 10");
  double at_ten = 0;
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    fast[i] = median(ours[i].rates);
    const double slow = median(linear[i].rates);
    if (i == 0) at_ten = fast[0] / slow;
    std::printf("  %10zu %12.0f %12.0f %15.2fx %15.2fx\n", kSizes[i], fast[i], slow, fast[i] / slow,
                fast[i] / fast[0]);
  }
  Bounds bounds;
  bounds.at_least("maps at 10,000 routes against maps at 10", fast[2] / fast[0], 0.85, "x");
  bounds.at_least("maps against the linear list at 10 routes", at_ten, 1, "x");
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
