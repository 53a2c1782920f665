// Kernel parameters that others share with us: recorded, restored, and left alone where they are
// not ours any more.
#include <catch2/catch.hpp>

#include "runtime/host/ports.h"
#include "runtime/host/records.h"
#include "runtime/host/resolve.h"
#include "tests/host/fake_node.h"

namespace arctic::test {
namespace {

constexpr const char* kForward = "net/ipv4/ip_forward";

NodeState with(const std::string& path, const std::string& value) {
  NodeState state;
  state.sysctls[path].value = value;
  return state;
}

std::string with_port(int port) {
  std::string yaml = named_state("manual").yaml;
  yaml.insert(yaml.find("  - name: beta"), "    tempest_port: " + std::to_string(port) + "\n");
  return yaml;
}

}  // namespace

TEST_CASE("lists of ports") {
  struct Row {
    const char* text;
    const char* canonical;  // nullptr: refused
  };
  constexpr Row kRows[] = {{"", ""},
                           {"\n", ""},
                           {"7", "7"},
                           {"1-3,7", "1-3,7"},
                           {"7,1,3,2", "1-3,7"},
                           {"1-2,3-4", "1-4"},
                           {" 5 , 6\n", "5-6"},
                           {"0-65535", "0-65535"},
                           {"65535", "65535"},
                           {"65536", nullptr},
                           {"3-1", nullptr},
                           {"-1", nullptr},
                           {"1-", nullptr},
                           {"1,", nullptr},
                           {",1", nullptr},
                           {"x", nullptr},
                           {"1 2", nullptr},
                           {"99999999999999999999", nullptr}};
  for (const Row& row : kRows) {
    INFO("\"" << row.text << "\"");
    const auto ports = parse_ports(row.text);
    REQUIRE(ports.has_value() == (row.canonical != nullptr));
    if (ports) CHECK(ports_text(*ports) == row.canonical);
  }
}

TEST_CASE("records of one parameter through its life") {
  // First change.
  const NodeState one = with(kForward, "1");
  const auto during = records_during({}, with(kForward, "0"), one);
  CHECK(during == SysctlRecords{{kForward, {"0", "1", std::nullopt}}});
  CHECK(records_after(during, one) == during);
  // Its value is ours, and stays so.
  NodeState actual = with(kForward, "1");
  merge_records(during, actual);
  CHECK(actual.sysctls[kForward].before == "0");
  CHECK(actual.sysctls[kForward].ours == "1");
  CHECK(records_during(during, actual, one) == during);
  // Another value of ours: while it is made, both are.
  const NodeState two = with(kForward, "2");
  const auto changing = records_during(during, actual, two);
  CHECK(changing == SysctlRecords{{kForward, {"0", "2", "1"}}});
  for (const char* value : {"1", "2"}) {
    NodeState crashed = with(kForward, value);
    merge_records(changing, crashed);
    CHECK(crashed.sysctls[kForward].before == "0");
    CHECK(crashed.sysctls[kForward].ours == value);
  }
  // A third value is nobody's to restore, and neither is the old one.
  for (const char* value : {"3", "0"}) {
    NodeState others = with(kForward, value);
    merge_records(changing, others);
    CHECK_FALSE(others.sysctls[kForward].before);
  }
  CHECK(records_during(changing, with(kForward, "3"), two) ==
        SysctlRecords{{kForward, {"3", "2", std::nullopt}}});
  CHECK(records_after(changing, two) == SysctlRecords{{kForward, {"0", "2", std::nullopt}}});
  CHECK(records_after(changing, NodeState()).empty());
}

TEST_CASE("nothing is recorded for what we do not change") {
  CHECK(records_during({}, with(kForward, "1"), with(kForward, "1")).empty());
  NodeState of_link = with("net/ipv4/conf/tp-x/rp_filter", "2");
  of_link.sysctls.begin()->second.of_link = "tp-x";
  CHECK(records_during({}, with("net/ipv4/conf/tp-x/rp_filter", "0"), of_link).empty());
}

TEST_CASE("destroy gives back what was, and keeps a third value") {
  FakeHost host = fresh_host();
  host.machine.sysctls["net/ipv6/conf/all/forwarding"] = "1";
  must_apply(host, target_named("macvlan"));
  CHECK(host.machine.sysctls[kForward] == "1");
  host.machine.sysctls["net/ipv4/conf/uplink0/arp_ignore"] = "8";
  must_destroy(host);
  CHECK(host.machine.sysctls[kForward] == "0");
  CHECK(host.machine.sysctls["net/ipv6/conf/all/forwarding"] == "1");
  CHECK(host.machine.sysctls["net/ipv4/conf/uplink0/arp_ignore"] == "8");
  CHECK(host.machine.files.count(kSysctlRecordPath) == 0);
}

TEST_CASE("destroy goes back to the last value that was not ours") {
  FakeHost host = fresh_host();
  std::string& value = host.machine.sysctls["net/ipv4/conf/uplink0/arp_ignore"];
  value = "2";
  must_apply(host, target_named("macvlan"));
  value = "0";  // a restart, an administrator
  must_apply(host, target_named("macvlan"));
  CHECK(value == "1");
  must_apply(host, target_named("manual"));
  CHECK(value == "0");
}

TEST_CASE("reserved ports: ours come and go, those of others stay") {
  FakeHost host = fresh_host();
  std::string& ports = host.machine.sysctls[kReservedPortsPath];
  ports = "7000-7002";
  must_apply(host, target_from(with_port(40001)));
  CHECK(ports == "7000-7002,40001");
  ports = "7000,9000,40001";  // somebody adds one and takes out two
  must_apply(host, target_from(with_port(40002)));
  CHECK(ports == "7000,9000,40002");
  ports = "7000,9000,9001,40002";
  must_destroy(host);
  CHECK(ports == "7000,9000-9001");
}

TEST_CASE("reserved ports that others add after our first apply stay theirs") {
  FakeHost host = fresh_host();
  std::string& ports = host.machine.sysctls[kReservedPortsPath];
  ports = "7000";
  const Target target = target_from(with_port(40001));
  must_apply(host, target);
  const std::string record = host.machine.files[kSysctlRecordPath];
  for (const char* others : {"7000,9000", "9000", "8000,9000"}) {
    INFO(others);
    ports = ports_text(*parse_ports(std::string(others) + ",40001"));
    const auto idle = plan(host, target);
    REQUIRE(idle);
    CHECK(idle->nothing_to_do());
    must_apply(host, target);
    // Something else changes, so that the records are written anew.
    host.machine.sysctls[kForward] = "0";
    must_apply(host, target);
    CHECK(host.machine.files[kSysctlRecordPath] == record);
    CHECK(ports == ports_text(*parse_ports(std::string(others) + ",40001")));
  }
  ports = "9000";  // ours is gone: it comes back, alone
  must_apply(host, target);
  CHECK(ports == "9000,40001");
  must_apply(host, target_from(with_port(40002)));
  CHECK(ports == "9000,40002");
  must_destroy(host);
  CHECK(ports == "9000");
}

TEST_CASE("a port that was reserved before us stays reserved") {
  FakeHost host = fresh_host();
  std::string& ports = host.machine.sysctls[kReservedPortsPath];
  ports = "40001";
  must_apply(host, target_from(with_port(40001)));
  must_apply(host, target_from(with_port(40002)));
  CHECK(ports == "40001-40002");
  must_destroy(host);
  CHECK(ports == "40001");
}

TEST_CASE("a damaged record is not overwritten") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("manual"));
  for (const char* text :
       {"", "{", "[]", "{\"format_version\":2,\"sysctls\":{}}",
        "{\"format_version\":1,\"sysctls\":{\"../x\":{\"before\":\"0\",\"ours\":\"1\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/../kernel/core_pattern\":{\"before\":\"|x\","
        "\"ours\":\"1\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/x\":{\"before\":0,\"ours\":\"1\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/ipv4/ip_forward\":{\"before\":\"many\","
        "\"ours\":\"1\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/ipv4/ip_forward\":{\"before\":\"\","
        "\"ours\":\"1\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/ipv4/ip_forward\":{\"before\":\"0\","
        "\"ours\":\"1\",\"previous\":\"x\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/ipv4/ip_local_reserved_ports\":{"
        "\"before\":\"\",\"ours\":\"70000\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/ipv4/tcp_syncookies\":{\"before\":\"0\","
        "\"ours\":\"1\"}}}",
        "{\"format_version\":1,\"sysctls\":{\"net/ipv4/conf/a/b/arp_ignore\":{\"before\":\"0\","
        "\"ours\":\"1\"}}}"}) {
    host.machine.files[kSysctlRecordPath] = text;
    const auto outcome = run_apply(host, target_named("macvlan"));
    INFO(text);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == ErrorCode::kRefused);
    CHECK(outcome.error().subject == kSysctlRecordPath);
    CHECK(host.machine.files[kSysctlRecordPath] == text);
  }
}

TEST_CASE("records on disk read back as they were written") {
  const SysctlRecords records = {
      {"net/ipv4/conf/eth1.5/arp_ignore", {"0", "1", std::nullopt}},
      {kReservedPortsPath, {"", "40001", "40002"}},
  };
  const auto decoded = decode_sysctl_records(encode(records));
  REQUIRE(decoded);
  CHECK(*decoded == records);
}

}  // namespace arctic::test
