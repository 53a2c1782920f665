// The control socket's messages: what is asked and answered reads as it was written, and what is
// none is refused with its place.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "schema/artifact/connection_list.h"
#include "schema/artifact/control.h"
#include "schema/artifact/pegasus_status.h"
#include "schema/artifact/tempest_status.h"

namespace arctic {
namespace {

const std::string kGeneration = "0123456789ab";
const std::string kDigest(64, 'f');

std::vector<ControlRequest::Call> every_call() {
  using Request = ControlRequest;
  return {Request::Hello{},
          Request::Prepare{kGeneration, "/var/lib/arctic/x.json", kDigest},
          Request::Commit{kGeneration},
          Request::Retire{kGeneration, 7},
          Request::Retire{kGeneration, kDefaultDrainSeconds},
          Request::Abort{kGeneration},
          Request::Load{"/opt/a b.json"},
          Request::Status{},
          Request::Connections{},
          Request::Connections{"a-service", kMaxConnections, "17"},
          Request::Drain{0},
          Request::Drain{kMaxDrainSeconds}};
}

PegasusStatus full_status() {
  PegasusStatus status;
  status.process.generations = {kGeneration, std::nullopt, {std::nullopt, "ba9876543210"}};
  status.process.digest = kDigest;
  status.process.uptime_s = 3;
  status.process.cpu_s = 0.1;
  status.process.memory_bytes = 1ULL << 40;
  status.process.descriptors_open = 12;
  status.process.descriptors_limit = 1'048'576;
  PegasusStatus::Service service;
  service.service = "syd-to-lon";
  service.id = "svc-abcdefghijk";
  service.role = PegasusConfig::Role::kExit;
  service.peer = "lon";
  service.transport = Transport::kKcp;
  service.limit_mbps = 100;
  service.open = 1;
  service.total = 2;
  service.refused = 3;
  service.sent = ~std::uint64_t{0};
  service.received = 5;
  service.waits = 6;
  service.connect_ms = {{1, 10}, {4, 0, 2}, 99};
  status.services = {service, {}};
  status.services[1].service = status.services[1].id = status.services[1].peer = "b";
  status.services[1].connect_ms.counts = {0};
  PegasusStatus::Peer peer;
  peer.name = "lon";
  peer.endpoint = "[2001:db8::1]:61000";
  peer.state = PegasusStatus::PeerState::kUp;
  peer.links_idle = 1;
  peer.links_busy = 2;
  peer.handshakes = 3;
  peer.last_error = "connection refused";
  peer.rtt_us = 0;
  peer.retransmits = 4;
  status.peers = {peer, {}, {}};
  status.peers[1].name = "par";
  status.peers[2].name = "nyc";
  status.peers[2].state = PegasusStatus::PeerState::kDown;
  status.unconfirmed = {1, 2, 3, 4, 5};
  return status;
}

ConnectionList some_connections() {
  ConnectionList list;
  list.connections = {
      {1, "a", PegasusConfig::Role::kEntry, "192.0.2.1:1025", "198.51.100.7:443", "lon", 10, 20,
       30},
      {2, "b", PegasusConfig::Role::kExit, "[2001:db8::1]:1", "[2001:db8::2]:2", "syd", 0, 0, 0}};
  return list;
}

}  // namespace

TEST_CASE("each request reads as it was written, with either kind of id") {
  std::vector<bool> seen(std::variant_size_v<ControlRequest::Call>);
  for (const auto& call : every_call()) {
    seen[call.index()] = true;
    for (const char* id : {"0", "-7", "18446744073709551615", R"("")", R"("a \"b\" ü")"}) {
      const ControlRequest request{id, call};
      const std::string line = encode(request);
      INFO(line);
      CHECK(line.find('\n') == std::string::npos);
      const auto decoded = decode_control_request(line);
      REQUIRE(decoded);
      CHECK(*decoded == request);
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    INFO("method " << i);
    CHECK(seen[i]);
  }
}

TEST_CASE("what a request may leave out") {
  const auto hello = decode_control_request(R"({"method":"hello","id":1})");
  REQUIRE(hello);
  CHECK(hello->call == ControlRequest::Call(ControlRequest::Hello{}));
  const auto retire =
      decode_control_request(R"( {"id":1,"method":"retire","params":{"generation":"0123456789ab"}})"
                             "\r");
  REQUIRE(retire);
  CHECK(std::get<ControlRequest::Retire>(retire->call).drain_s == 30);
  const auto connections = decode_control_request(R"({"id":1,"method":"connections","params":{}})");
  REQUIRE(connections);
  CHECK(std::get<ControlRequest::Connections>(connections->call).limit == kDefaultConnections);
}

TEST_CASE("what is no request has no id and is closed") {
  const std::string deep =
      R"({"id":1,"method":"hello","params":)" + std::string(20, '[') + std::string(20, ']') + "}";
  const std::string long_id = R"({"id":")" + std::string(129, 'x') + R"(","method":"hello"})";
  const std::string long_line = R"({"id":1,"method":"hello"})" + std::string(kMaxControlLine, ' ');
  for (const std::string& line : std::vector<std::string>{
           "", "x", "null", "7", "[]", R"("hello")", "{", R"({"method":"hello"})",
           R"({"id":null,"method":"hello"})", R"({"id":1.5,"method":"hello"})",
           R"({"id":99999999999999999999,"method":"hello"})", R"({"id":true,"method":"hello"})",
           R"({"id":{},"method":"hello"})", R"({"id":1,"id":1,"method":"hello"})",
           R"({"id":1,"method":"hello"}{})", "{\"id\":\"\xff\",\"method\":\"hello\"}", deep,
           long_id, long_line}) {
    INFO(line.substr(0, 80));
    const auto decoded = decode_control_request(line);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().close);
    CHECK(decoded.error().id == "null");
    CHECK(decoded.error().error.code == ControlCode::kBadRequest);
    CHECK_FALSE(decoded.error().error.reason.empty());
  }
}

TEST_CASE("a request that is wrong inside names the place and keeps its id") {
  struct Row {
    const char* rest;
    const char* where;
  };
  for (const Row& row : std::vector<Row>{
           {R"("method":"hello","extra":1)", "/extra"},
           {R"("params":{})", "/method"},
           {R"("method":7)", "/method"},
           {R"("method":"Hello")", "/method"},
           {R"("method":"reboot")", "/method"},
           {R"("method":"hello","params":[])", "/params"},
           {R"("method":"hello","params":null)", "/params"},
           {R"("method":"hello","params":{"a":1})", "/params/a"},
           {R"("method":"commit")", "/params/generation"},
           {R"("method":"commit","params":{"generation":1})", "/params/generation"},
           {R"("method":"commit","params":{"generation":"0123456789AB"})", "/params/generation"},
           {R"("method":"commit","params":{"generation":"0123456789a"})", "/params/generation"},
           {R"("method":"abort","params":{"generation":"../../../../"})", "/params/generation"},
           {R"("method":"load","params":{"path":"relative"})", "/params/path"},
           {R"("method":"load","params":{"path":"/a\u0000b"})", "/params/path"},
           {R"("method":"prepare","params":{"generation":"0123456789ab","path":"/x"})",
            "/params/digest"},
           {R"("method":"retire","params":{"generation":"0123456789ab","drain_s":-1})",
            "/params/drain_s"},
           {R"("method":"retire","params":{"generation":"0123456789ab","drain_s":86401})",
            "/params/drain_s"},
           {R"("method":"retire","params":{"generation":"0123456789ab","drain_s":null})",
            "/params/drain_s"},
           {R"("method":"connections","params":{"limit":0})", "/params/limit"},
           {R"("method":"connections","params":{"limit":1001})", "/params/limit"},
           {R"("method":"connections","params":{"service":"a/b"})", "/params/service"},
           {R"("method":"connections","params":{"after":""})", "/params/after"},
           {R"("method":"drain")", "/params/seconds"},
           {R"("method":"drain","params":{"seconds":1.0})", "/params/seconds"},
       }) {
    const std::string line = std::string(R"({"id":"me",)") + row.rest + "}";
    INFO(line);
    const auto decoded = decode_control_request(line);
    REQUIRE_FALSE(decoded);
    CHECK_FALSE(decoded.error().close);
    CHECK(decoded.error().id == R"("me")");
    CHECK(decoded.error().error.where == row.where);
    CHECK(decoded.error().error.code == ControlCode::kBadRequest);
    CHECK_FALSE(decoded.error().error.reason.empty());
  }
}

TempestStatus full_tempest_status() {
  TempestStatus status;
  status.process = full_status().process;
  status.peers.resize(2);
  status.peers[0] = {"lon", "tp-lon", true, "[2001:db8::1]:51840", true, 7, ~std::uint64_t{0},
                     5,     ""};
  status.peers[1].name = status.peers[1].device = "b";
  status.peers[1].last_error = "is not there";
  status.offloads = {true, false, true, false};
  status.cipher = "libcrypto";
  status.dropped = {{"replayed", 3}, {"wrong_mac1", ~std::uint64_t{0}}};
  return status;
}

TEST_CASE("answers as the wire has them") {
  CHECK(encode_answer("1", ControlDone{}) == R"({"id":1,"ok":true,"result":{}})");
  CHECK(encode_error("null", {ControlCode::kBusy, "too many", "", "wait"}) ==
        R"({"id":null,"ok":false,"error":{"code":"busy","reason":"too many","where":null,)"
        R"("hint":"wait"}})");
  CHECK(encode_answer("\"x\"", ConnectionList{}) ==
        R"({"id":"x","ok":true,"result":{"connections":[],"next":null}})");
}

TEST_CASE("answers read as they were written") {
  const auto done = decode_done_answer(encode_answer("1", ControlDone{}));
  REQUIRE(done);
  CHECK(done->id == "1");
  CHECK(done->outcome);

  HelloResult hello;
  hello.daemon = "pegasus";
  hello.version = "0.1.0";
  hello.pid = 4'000'000;
  hello.node = "syd";
  hello.public_key.bytes.fill(9);
  const auto said = decode_hello_answer(encode_answer("\"h\"", hello));
  REQUIRE(said);
  CHECK(said->id == "\"h\"");
  CHECK(*said->outcome == hello);

  for (const PegasusStatus& status : {full_status(), PegasusStatus{}}) {
    const std::string line = encode_answer("2", status);
    INFO(line);
    const auto decoded = decode_status_answer(line);
    REQUIRE(decoded);
    CHECK(*decoded->outcome == status);
    CHECK(encode_answer("2", *decoded->outcome) == line);
  }

  for (const TempestStatus& status : {full_tempest_status(), TempestStatus{}}) {
    const std::string line = encode_answer("2", status);
    INFO(line);
    const auto decoded = decode_tempest_status_answer(line);
    REQUIRE(decoded);
    CHECK(*decoded->outcome == status);
    CHECK(encode_answer("2", *decoded->outcome) == line);
  }

  ConnectionList list = some_connections();
  for (const char* next : {"", "17"}) {
    list.next = next;
    const auto decoded = decode_connections_answer(encode_answer("3", list));
    REQUIRE(decoded);
    CHECK(*decoded->outcome == list);
  }
}

TEST_CASE("every code of an error reads as it was written, hostile text included") {
  for (const ControlCode code : kControlCodes) {
    const ControlError error{code, "a\nb \xff\x1b[2J", "/x", ""};
    const std::string line = encode_error("1", error);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find('\x1b') == std::string::npos);
    const auto decoded = decode_status_answer(line);
    REQUIRE(decoded);
    REQUIRE_FALSE(decoded->outcome);
    CHECK(decoded->outcome.error().code == code);
    CHECK(decoded->outcome.error().reason == "a\nb \xef\xbf\xbd\x1b[2J");
    CHECK(decoded->outcome.error().where == "/x");
  }
  const ControlError said = control_error(
      ControlCode::kBadConfig, {ErrorCode::kConfig, "x.json", "is a folder", "/peers", "help"});
  CHECK(said == ControlError{ControlCode::kBadConfig, "x.json: is a folder", "/peers", "help"});
}

TEST_CASE("what is no answer of its kind is an error, and no crash") {
  const std::string status = encode_answer("2", full_status());
  for (std::size_t size = 0; size < status.size(); ++size) {
    CHECK_FALSE(decode_status_answer(status.substr(0, size)));
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"ok\":true", "\"ok\":1"},
           {"\"ok\":true", "\"ok\":false"},
           {"\"state\":\"up\"", "\"state\":\"sideways\""},
           {"\"counts\":[4,0,2]", "\"counts\":[4,0]"},
           {"\"counts\":[4,0,2]", "\"counts\":[4,0,-2]"},
           {"\"draining\":[null", "\"draining\":[7"},
           {"\"cpu_s\":0.1", "\"cpu_s\":\"0.1\""},
           {"\"rtt_us\":0", "\"rtt_us\":\"0\""},
           {"\"waits\":6", "\"waits\":6,\"more\":1"},
           {"\"links\":{", "\"links\":{\"x\":1,"},
           {"\"peers\":[", "\"peers\":[1,"}}) {
    INFO(to);
    std::string line = status;
    const std::size_t at = line.find(from);
    REQUIRE(at != std::string::npos);
    CHECK(line.replace(at, from.size(), to).size() > 0);
    const auto decoded = decode_status_answer(line);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == ErrorCode::kConfig);
  }
  const std::string tempest = encode_answer("2", full_tempest_status());
  for (std::size_t size = 0; size < tempest.size(); ++size) {
    CHECK_FALSE(decode_tempest_status_answer(tempest.substr(0, size)));
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"replayed\":3", "\"replayed\":-3"},
           {"\"attached\":true", "\"attached\":1"},
           {"\"handshake_age_s\":7", "\"handshake_age_s\":\"7\""},
           {"\"tun_udp\":false", "\"tun_udp\":false,\"more\":1"}}) {
    INFO(to);
    std::string line = tempest;
    const std::size_t at = line.find(from);
    REQUIRE(at != std::string::npos);
    line.replace(at, from.size(), to);
    CHECK_FALSE(decode_tempest_status_answer(line));
  }
  CHECK_FALSE(decode_done_answer(R"({"id":1,"ok":true,"result":{"a":1}})"));
  CHECK_FALSE(decode_done_answer(R"({"id":1,"ok":true,"result":7})"));
  CHECK_FALSE(decode_done_answer(R"({"id":[],"ok":true,"result":{}})"));
  CHECK_FALSE(decode_done_answer(
      R"({"id":1,"ok":false,"error":{"code":"odd","reason":"","where":null,"hint":null}})"));
}

}  // namespace arctic
