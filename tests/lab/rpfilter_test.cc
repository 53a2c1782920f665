// The kernel's checks of source addresses must not eat what Arctic reroutes: every combination of
// src_valid_mark and rp_filter, forwarded and local, TCP, UDP and ICMP, both ways.
#include <catch2/catch.hpp>

#include "tests/lab/talk.h"

using namespace arctic;
using namespace arctic::lab;

namespace {

constexpr const char* kServices = R"(
  - name: syd-to-lon
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    routes:
      - {priority: 100, dest_cidr: 198.51.100.0/25}
      - {priority: 100, dest_cidr: 2001:db8:f:0::/64}
)";

struct Combination {
  const char* src_valid_mark;
  const char* rp_filter;
};

const Combination kCombinations[] = {{"0", "0"}, {"0", "1"}, {"0", "2"},
                                     {"1", "0"}, {"1", "1"}, {"1", "2"}};

}  // namespace

TEST_CASE("all combinations of src_valid_mark and rp_filter") {
  const Road road;
  road.apply(config_of(kServices));
  Tunnel tunnel(road.entry, "tp-lon");
  Listener listener(road.entry, listen_port(road.folder, "syd-to-lon"));
  for (const auto& [src_valid_mark, rp_filter] : kCombinations) {
    road.entry.set_sysctl("net/ipv4/conf/all/src_valid_mark", src_valid_mark);
    road.entry.set_sysctl("net/ipv4/conf/all/rp_filter", rp_filter);
    for (const Family family : kFamilies) {
      const auto& at = road_addresses(family);
      INFO("src_valid_mark=" << src_valid_mark << " rp_filter=" << rp_filter << " IPv"
                             << static_cast<int>(family));
      {
        INFO("forwarded");
        CHECK(tcp_talks(road.client, at.client, at.far, listener) == "");
        CHECK(udp_talks(road.client, at.client, at.far, tunnel) == "");
        CHECK(icmp_talks(road.client, at.client, at.far, tunnel) == "");
      }
      {
        INFO("local");
        CHECK(tcp_talks(road.entry, std::nullopt, at.far, listener) == "");
        CHECK(udp_talks(road.entry, std::nullopt, at.far, tunnel) == "");
        CHECK(icmp_talks(road.entry, std::nullopt, at.far, tunnel) == "");
      }
    }
  }
}
