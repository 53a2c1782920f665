// The exit's guard: which peer may reach what, row by row.
#include <catch2/catch.hpp>

#include "runtime/pegasus/allow.h"

namespace arctic::test {
namespace {

std::optional<Prefix> prefix(const char* text) {
  return text == nullptr ? std::nullopt : parse_prefix(text);
}

struct Row {
  const char* source_cidr;
  const char* dest_cidr;
  bool transparent;
  const char* source;
  const char* destination;
  Permission expected;
};

constexpr Permission kYes = Permission::kAllowed;
constexpr Permission kNo = Permission::kNoRoute;
constexpr Permission kGuard = Permission::kGuarded;
constexpr Permission kForged = Permission::kForgedSource;

const Row kRows[] = {
    {nullptr, nullptr, false, "10.0.0.1", "192.168.0.1", kYes},
    {nullptr, nullptr, false, "fd10::1", "fd99::1", kYes},
    {nullptr, "192.168.0.0/24", false, "10.0.0.1", "192.168.0.255", kYes},
    {nullptr, "192.168.0.0/24", false, "10.0.0.1", "192.168.1.0", kNo},
    {nullptr, "fd99::/64", false, "fd10::1", "fd99::ffff", kYes},
    {nullptr, "fd99::/64", false, "fd10::1", "fd99:0:0:1::", kNo},
    {nullptr, "0.0.0.0/0", false, "fd10::1", "fd99::1", kNo},
    {"10.0.0.0/8", nullptr, false, "10.255.255.255", "192.168.0.1", kYes},
    {"10.0.0.0/8", nullptr, false, "11.0.0.0", "192.168.0.1", kNo},
    {"10.0.0.0/8", "192.168.0.0/24", false, "11.0.0.0", "192.168.0.1", kNo},
    // Each end of each guarded range, and what lies beside it.
    {nullptr, nullptr, false, "10.0.0.1", "0.0.0.0", kGuard},
    {nullptr, nullptr, false, "10.0.0.1", "0.255.255.255", kGuard},
    {nullptr, nullptr, false, "10.0.0.1", "1.0.0.0", kYes},
    {nullptr, nullptr, false, "10.0.0.1", "126.255.255.255", kYes},
    {nullptr, nullptr, false, "10.0.0.1", "127.0.0.0", kGuard},
    {nullptr, nullptr, false, "10.0.0.1", "127.255.255.255", kGuard},
    {nullptr, nullptr, false, "10.0.0.1", "128.0.0.0", kYes},
    {nullptr, nullptr, false, "10.0.0.1", "169.253.255.255", kYes},
    {nullptr, nullptr, false, "10.0.0.1", "169.254.169.254", kGuard},
    {nullptr, nullptr, false, "10.0.0.1", "169.255.0.0", kYes},
    {nullptr, nullptr, false, "10.0.0.1", "223.255.255.255", kYes},
    {nullptr, nullptr, false, "10.0.0.1", "224.0.0.0", kGuard},
    {nullptr, nullptr, false, "10.0.0.1", "255.255.255.255", kGuard},
    {nullptr, nullptr, false, "fd10::1", "::", kGuard},
    {nullptr, nullptr, false, "fd10::1", "::1", kGuard},
    {nullptr, nullptr, false, "fd10::1", "::2", kYes},
    {nullptr, nullptr, false, "fd10::1", "::ffff:10.0.0.1", kGuard},
    {nullptr, nullptr, false, "fd10::1", "fe7f::1", kYes},
    {nullptr, nullptr, false, "fd10::1", "fe80::1", kGuard},
    {nullptr, nullptr, false, "fd10::1", "febf::1", kGuard},
    {nullptr, nullptr, false, "fd10::1", "fec0::1", kYes},
    {nullptr, nullptr, false, "fd10::1", "ff02::1", kGuard},
    // The exit's own addresses: 198.51.100.7 and 2001:db8::7.
    {nullptr, nullptr, false, "10.0.0.1", "198.51.100.7", kGuard},
    {nullptr, nullptr, false, "10.0.0.1", "198.51.100.8", kYes},
    {nullptr, nullptr, false, "fd10::1", "2001:db8::7", kGuard},
    {nullptr, "198.51.100.0/24", false, "10.0.0.1", "198.51.100.7", kGuard},
    {nullptr, "198.51.100.7/32", false, "10.0.0.1", "198.51.100.7", kYes},
    {nullptr, "127.0.0.1/32", false, "10.0.0.1", "127.0.0.1", kYes},
    {nullptr, "127.0.0.0/8", false, "10.0.0.1", "127.0.0.1", kYes},
    {nullptr, "0.0.0.0/0", false, "10.0.0.1", "127.0.0.1", kGuard},
    // Sources count in Transparent Mode alone.
    {nullptr, nullptr, false, "127.0.0.1", "192.168.0.1", kYes},
    {nullptr, nullptr, true, "10.0.0.1", "192.168.0.1", kYes},
    {nullptr, nullptr, true, "127.0.0.1", "192.168.0.1", kForged},
    {nullptr, nullptr, true, "198.51.100.7", "192.168.0.1", kForged},
    {nullptr, nullptr, true, "fe80::1", "fd99::1", kForged},
    {nullptr, nullptr, true, "ff02::1", "fd99::1", kForged},
    {nullptr, nullptr, true, "2001:db8::7", "fd99::1", kForged},
};

}  // namespace

TEST_CASE("what a peer may reach") {
  const std::vector<Address> own = {*parse_address("198.51.100.7"), *parse_address("2001:db8::7")};
  for (const Row& row : kRows) {
    PegasusConfig::Tunnel tunnel;
    tunnel.role = PegasusConfig::Role::kExit;
    tunnel.transparent = row.transparent;
    tunnel.allow.push_back({prefix(row.source_cidr), prefix(row.dest_cidr)});
    OpenFrame open;
    open.source = *parse_address(row.source);
    open.destination = *parse_address(row.destination);
    INFO(row.source << " to " << row.destination);
    CHECK(to_string(permission(tunnel, open, own)) == std::string(to_string(row.expected)));
  }
}

TEST_CASE("a service without anything allowed reaches nothing") {
  OpenFrame open;
  open.source = *parse_address("10.0.0.1");
  open.destination = *parse_address("192.168.0.1");
  CHECK(permission({}, open, {}) == Permission::kNoRoute);
}

}  // namespace arctic::test
