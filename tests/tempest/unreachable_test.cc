// What senders are told of packets that nobody can be sent, and when nothing may be said.
#include "runtime/tempest/unreachable.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "runtime/tempest/checksum.h"
#include "runtime/tempest/ip_packet.h"

namespace arctic::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// UDP from .1 to .2; its checksums are nobody's business here.
Bytes packet(Family family, std::size_t payload) {
  const bool four = family == Family::kIpv4;
  Bytes out(four ? 20 : 40);
  if (four) {
    out[0] = 0x45;
    put_field16(28 + payload, out.data() + 2);
    out[8] = 9;
    out[9] = 17;
    out[12] = out[16] = 10;
    out[15] = 1;
    out[19] = 2;
  } else {
    out[0] = 0x60;
    put_field16(8 + payload, out.data() + 4);
    out[6] = 17;
    out[8] = out[24] = 0xfd;
    out[23] = 1;
    out[39] = 2;
  }
  out.resize(out.size() + 8 + payload, 7);
  return out;
}

bool is_right(ByteView error, Family family) {
  Checksum body;
  const std::size_t header = family == Family::kIpv4 ? 20 : 40;
  if (family == Family::kIpv4) {
    Checksum ip;
    ip.add(error.first(20));
    if (!ip.right()) return false;
  } else {
    body.add_pseudo_header(error.subspan(8, 32), 58, static_cast<std::uint16_t>(error.size() - 40));
  }
  body.add(error.subspan(header));
  return body.right();
}

}  // namespace

TEST_CASE("a packet to nobody: its sender is told, and the packet is quoted") {
  for (const Family family : kFamilies) {
    const bool four = family == Family::kIpv4;
    for (const std::size_t payload : {0U, 1U, 500U, 1300U, 9000U}) {
      const Bytes sent = packet(family, payload);
      const auto error = unreachable(sent);
      REQUIRE(error);
      INFO("IPv" << (four ? 4 : 6) << ", " << payload);
      CHECK(is_right(*error, family));
      const auto ip = parse_ip(*error);
      REQUIRE(ip);
      CHECK(ip->bytes == error->size());
      CHECK(error->size() ==
            std::min<std::size_t>(sent.size() + (four ? 28 : 48), four ? 576 : 1280));
      CHECK(ip->protocol == (four ? 1 : 58));
      CHECK((*error)[four ? 15 : 23] == 2);
      CHECK((*error)[four ? 19 : 39] == 1);
      const std::size_t icmp = four ? 20 : 40;
      CHECK((*error)[icmp] == (four ? 3 : 1));
      CHECK((*error)[icmp + 1] == (four ? 1 : 3));
      CHECK(std::equal(error->begin() + static_cast<std::ptrdiff_t>(icmp + 8), error->end(),
                       sent.begin()));
    }
  }
}

TEST_CASE("padding is not quoted") {
  Bytes sent = packet(Family::kIpv4, 10);
  const std::size_t size = sent.size();
  sent.resize(size + 10);
  CHECK(unreachable(sent)->size() == size + 28);
}

TEST_CASE("of some packets nothing may be said") {
  struct Case {
    const char* what;
    Family family;
    std::function<void(Bytes&)> change;
    bool answered;
  };
  const Case cases[] = {
      {"as it is", Family::kIpv4, [](Bytes&) {}, true},
      {"the first fragment", Family::kIpv4, [](Bytes& p) { p[6] = 0x20; }, true},
      {"another fragment", Family::kIpv4, [](Bytes& p) { p[7] = 1; }, false},
      {"an echo", Family::kIpv4, [](Bytes& p) { p[9] = 1, p[20] = 8; }, true},
      {"an error", Family::kIpv4, [](Bytes& p) { p[9] = 1, p[20] = 3; }, false},
      {"time exceeded", Family::kIpv4, [](Bytes& p) { p[9] = 1, p[20] = 11; }, false},
      {"to a group", Family::kIpv4, [](Bytes& p) { p[16] = 224; }, false},
      {"to all", Family::kIpv4, [](Bytes& p) { p[16] = p[17] = p[18] = p[19] = 255; }, false},
      {"from a group", Family::kIpv4, [](Bytes& p) { p[12] = 239; }, false},
      {"from itself", Family::kIpv4, [](Bytes& p) { p[12] = 127; }, false},
      {"from nobody", Family::kIpv4, [](Bytes& p) { p[12] = p[15] = 0; }, false},
      {"no IP", Family::kIpv4, [](Bytes& p) { p[0] = 0x55; }, false},
      {"as it is", Family::kIpv6, [](Bytes&) {}, true},
      {"the first fragment", Family::kIpv6, [](Bytes& p) { p[6] = 44, p[42] = p[43] = 0; }, true},
      {"another fragment", Family::kIpv6, [](Bytes& p) { p[6] = 44, p[42] = 1; }, false},
      {"an echo", Family::kIpv6, [](Bytes& p) { p[6] = 58, p[40] = 128; }, true},
      {"an error", Family::kIpv6, [](Bytes& p) { p[6] = 58, p[40] = 1; }, false},
      {"a redirect", Family::kIpv6, [](Bytes& p) { p[6] = 58, p[40] = 137; }, false},
      {"to a group", Family::kIpv6, [](Bytes& p) { p[24] = 0xff; }, false},
      {"from a group", Family::kIpv6, [](Bytes& p) { p[8] = 0xff; }, false},
      {"from nobody", Family::kIpv6, [](Bytes& p) { p[8] = p[23] = 0; }, false},
  };
  for (const Case& each : cases) {
    Bytes sent = packet(each.family, 20);
    each.change(sent);
    INFO(each.what << ", IPv" << (each.family == Family::kIpv4 ? 4 : 6));
    CHECK(unreachable(sent).has_value() == each.answered);
  }
}

TEST_CASE("whatever is cut off, nothing beyond is looked at") {
  for (const Family family : kFamilies) {
    const Bytes sent = packet(family, 20);
    for (std::size_t size = 0; size < sent.size(); ++size) {
      CHECK_FALSE(
          unreachable(Bytes(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(size))));
    }
  }
}

TEST_CASE("twenty errors at once, then a hundred a second") {
  using std::chrono::milliseconds;
  ErrorRate rate;
  const milliseconds begin{5000};
  int good = 0;
  for (int i = 0; i < 100; ++i) good += rate.may(begin) ? 1 : 0;
  CHECK(good == 20);
  good = 0;
  for (int ms = 0; ms < 2000; ++ms) good += rate.may(begin + milliseconds(ms)) ? 1 : 0;
  CHECK(good >= 199);
  CHECK(good <= 201);
}

}  // namespace arctic::test
