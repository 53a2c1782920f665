// pegasus.json and tempest.json: what is encoded comes back, and what is wrong is refused at its
// place.
#include <catch2/catch.hpp>

#include "schema/artifact/json_writer.h"
#include "schema/artifact/pegasus_config.h"
#include "schema/artifact/runtime_fields.h"
#include "schema/artifact/tempest_config.h"

namespace arctic {
namespace {

PublicKey key(std::uint8_t fill) {
  PublicKey value;
  value.bytes.fill(fill);
  return value;
}

PegasusConfig full_pegasus() {
  PegasusConfig config;
  config.node = "syd";
  config.public_key = key(1);
  config.private_key_file = "/etc/arctic/node.key";
  config.listen_port = 61000;
  config.own_mark = 0x0ff30000;
  config.metrics = Endpoint{"::1", 9470};
  config.peers = {{"lon", key(2), Endpoint{"lon.example.net", 61000}}, {"par", key(3), {}}};
  PegasusConfig::Tunnel entry;
  entry.service = "a.b_c-d";
  entry.id = "svc-1";
  entry.peer = "lon";
  entry.transparent = true;
  entry.limit_mbps = 1000000;
  entry.listen_port = 20001;
  entry.on_down = OnDown::kDirect;
  PegasusConfig::Tunnel exit;
  exit.service = "b";
  exit.id = "svc-2";
  exit.role = PegasusConfig::Role::kExit;
  exit.peer = "par";
  exit.transport = Transport::kKcp;
  exit.proxy_protocol = ProxyProtocol::kV2;
  exit.allow = {{parse_prefix("10.0.0.0/8"), parse_prefix("0.0.0.0/0")},
                {std::nullopt, parse_prefix("2001:db8::1")},
                {std::nullopt, std::nullopt}};
  config.tunnels = {entry, exit};
  return config;
}

TempestConfig full_tempest() {
  TempestConfig config;
  config.node = "syd";
  config.private_key_file = "/etc/arctic/node.key";
  config.listen_port = 51840;
  config.own_mark = 1;
  config.tunnels = {{"lon", "tp-lon", key(2), Endpoint{"2001:db8::1", 51840}, 1420, 25},
                    {"par", "tp-par", key(3), {}, 1420, 0}};
  return config;
}

TEST_CASE("what is encoded comes back") {
  CHECK(decode_pegasus_config(encode(full_pegasus())) == full_pegasus());
  CHECK(decode_tempest_config(encode(full_tempest())) == full_tempest());
  PegasusConfig pegasus = full_pegasus();
  pegasus.public_key.reset();
  pegasus.metrics.reset();
  pegasus.peers.clear();
  pegasus.tunnels.clear();
  CHECK(decode_pegasus_config(encode(pegasus)) == pegasus);
  CHECK(encode(pegasus).find("\"public_key\": null") != std::string::npos);
}

struct Replacement {
  const char* from;
  const char* to;
  const char* where;   ///< JSON pointer of the error
  const char* reason;  ///< part of it
};

template <class Decode>
void check_refused(const std::string& text, const Replacement& row, Decode decode) {
  CAPTURE(row.from, row.to);
  std::string wrong = text;
  const std::size_t at = wrong.find(row.from);
  REQUIRE(at != std::string::npos);
  wrong.replace(at, std::string(row.from).size(), row.to);
  const auto result = decode(wrong);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::kConfig);
  CHECK(result.error().where == row.where);
  CHECK_THAT(result.error().reason, Catch::Contains(row.reason));
}

TEST_CASE("what is wrong in pegasus.json is refused at its place") {
  const Replacement rows[] = {
      {"\"version\": 1", "\"version\": 2", "/version", "must be 1"},
      {"\"version\": 1,", "", "/version", "missing"},
      {"\"version\": 1", "\"version\": \"1\"", "/version", "whole number"},
      {"\"node\": \"syd\"", "\"node\": \"\"", "/node", "1 to 63"},
      {"\"node\": \"syd\"", "\"node\": \"../x\"", "/node", "1 to 63"},
      {"\"node\": \"syd\"", "\"node\": 7", "/node", "text"},
      {"\"node\": \"syd\"", "\"node\": \"syd\", \"nod\": 1", "/nod", "unknown key"},
      {"\"/etc/arctic/node.key\"", "\"node.key\"", "/private_key_file", "absolute"},
      {"\"/etc/arctic/node.key\"", "\"/etc\\u0000x\"", "/private_key_file", "absolute"},
      {"\"listen_port\": 61000", "\"listen_port\": 0", "/listen_port", "1 to 65535"},
      {"\"listen_port\": 61000", "\"listen_port\": 65536", "/listen_port", "1 to 65535"},
      {"\"listen_port\": 61000", "\"listen_port\": -1", "/listen_port", "whole number"},
      {"\"listen_port\": 61000", "\"listen_port\": 6.1", "/listen_port", "whole number"},
      {"\"own_mark\": 267583488", "\"own_mark\": 4294967296", "/own_mark", "from 1 to"},
      {"\"[::1]:9470\"", "\"::1:9470\"", "/metrics", "host:port"},
      {"\"[::1]:9470\"", "\"[::1]\"", "/metrics", "host:port"},
      {"\"[::1]:9470\"", "\"[example]:1\"", "/metrics", "host:port"},
      {"\"[::1]:9470\"", "\"a b:1\"", "/metrics", "host:port"},
      {"\"[::1]:9470\"", "\"a:0\"", "/metrics", "host:port"},
      {"\"[::1]:9470\"", "\"a:+1\"", "/metrics", "host:port"},
      {"\"AQEBAQ", "\"AQEBA", "/public_key", "public key"},
      {"\"lon\"", "\"par\"", "/peers/1/name", "twice"},
      {"\"lon.example.net:61000\"", "false", "/peers/0/endpoint", "text"},
      {"\"role\": \"entry\"", "\"role\": \"both\"", "/tunnels/0/role", "entry or exit"},
      {"\"role\": \"entry\"", "\"role\": \"exit\"", "/tunnels/0/allow", "missing"},
      {"\"role\": \"exit\"", "\"role\": \"entry\"", "/tunnels/1/listen_port", "missing"},
      {"\"transport\": \"tcp\"", "\"transport\": \"udp\"", "/tunnels/0/transport", "tcp or kcp"},
      {"\"transport\": \"tcp\"", "\"transport\": \"kcp\"", "/tunnels/0/transparent", "tcp"},
      {"\"transparent\": true", "\"transparent\": 1", "/tunnels/0/transparent", "true or false"},
      {"\"none\"", "\"v2\"", "/tunnels/0/proxy_protocol", "transparent"},
      {"\"none\"", "\"v1\"", "/tunnels/0/proxy_protocol", "none or v2"},
      {"1000000", "1000001", "/tunnels/0/limit_mbps", "0 to 1000000"},
      {"\"direct\"", "\"Direct\"", "/tunnels/0/on_down", "reject or direct or drop"},
      {"\"svc-1\"", "\"svc-2\"", "/tunnels/1/id", "twice"},
      {"\"svc-1\"", "\"svc.1\"", "/tunnels/0/id", "'.'"},
      {"\"a.b_c-d\"", "\"b\"", "/tunnels/1/service", "twice"},
      {"\"peer\": \"lon\"", "\"peer\": \"nobody\"", "/tunnels/0/peer", "peers"},
      {"\"10.0.0.0/8\"", "\"10.0.0.1/8\"", "/tunnels/1/allow/0/source", "network"},
      {"\"10.0.0.0/8\"", "\"2001:db8::/32\"", "/tunnels/1/allow/0/destination", "family"},
      {"\"source\": \"10.0.0.0/8\"", "\"sauce\": 1", "/tunnels/1/allow/0/source", "missing"},
      {"\"allow\": [", "\"allow\": {}, \"x\": [", "/tunnels/1/x", "unknown key"},
  };
  for (const Replacement& row : rows) {
    check_refused(encode(full_pegasus()), row, decode_pegasus_config);
  }
}

TEST_CASE("what is wrong in tempest.json is refused at its place") {
  const Replacement rows[] = {
      {"\"version\": 1", "\"version\": 0", "/version", "must be 1"},
      {"\"device\": \"tp-lon\"", "\"device\": \"tp/lon\"", "/tunnels/0/device", "interface name"},
      {"\"device\": \"tp-lon\"", "\"device\": \"0123456789012345\"", "/tunnels/0/device", "15"},
      {"\"device\": \"tp-lon\"", "\"device\": \"tp-par\"", "/tunnels/1/device", "twice"},
      {"\"peer\": \"lon\"", "\"peer\": \"par\"", "/tunnels/1/peer", "twice"},
      {"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
       "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=", "/tunnels/1/public_key", "twice"},
      {"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "/tunnels/0/public_key", "public key"},
      {"\"mtu\": 1420", "\"mtu\": 100", "/tunnels/0/mtu", "1280 to"},
      {"\"keepalive\": 25", "\"keepalive\": 65536", "/tunnels/0/keepalive", "0 to 65535"},
      {"\"keepalive\": 25", "\"keepalive\": null", "/tunnels/0/keepalive", "whole number"},
      {"\"tunnels\": [", "\"tunnels\": {}, \"x\": [", "/x", "unknown key"},
  };
  for (const Replacement& row : rows) {
    check_refused(encode(full_tempest()), row, decode_tempest_config);
  }
}

TEST_CASE("bytes that are no such file are refused") {
  const std::string deep(1'000'000, '[');
  const std::string texts[] = {"",
                               "{",
                               "null",
                               "[]",
                               "7",
                               deep,
                               std::string("\0\0", 2),
                               "{\"version\": 1, \"version\": 1}",
                               "\xff\xfe{}"};
  for (const std::string& text : texts) {
    CHECK_FALSE(decode_pegasus_config(text));
    CHECK_FALSE(decode_tempest_config(text));
  }
  const auto reason = [](const std::string& text) {
    return decode_pegasus_config(text).error().reason;
  };
  CHECK(reason("{\n  \"a\": 1,,\n}") == "is not JSON: see line 2, column 10");
  CHECK(reason("") == "is not JSON: see line 1, column 1");
  CHECK(reason("{\"a\": {\"b\": 1, \"b\": 1}}") == "has the key `b` twice");
  CHECK(reason("{\"version\": 5e99999}") == "has a number that is too large");
  CHECK(reason(deep) == "is nested more than 16 deep");
  const std::string big(kMaxRuntimeConfigBytes + 1, ' ');
  CHECK(decode_pegasus_config(big).error().reason == "is larger than 64 MiB");
}

TEST_CASE("endpoints are written in one way") {
  for (const char* text :
       {"a:1", "192.0.2.1:65535", "[2001:db8::1]:51840", "lon.example.net:61000"}) {
    REQUIRE(parse_endpoint(text));
    CHECK(parse_endpoint(text)->to_string() == text);
  }
  for (const char* text :
       {"", "a", ":1", "a:", "a:65536", "a:1x", "[a]:1", "[]:1", "::1:1", "a/b:1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_endpoint(text));
  }
}

TEST_CASE("JSON is escaped, and laid out for diffs") {
  JsonWriter out;
  out.open_object();
  out.field("a\"\\", "\n\x7f\x01 \xc3\xa9");
  out.field("n", std::int64_t{-1234567});
  out.key("line");
  out.open_object(JsonWriter::Layout::kLine);
  out.field("x", true);
  out.key("y");
  out.null();
  out.close();
  out.key("empty");
  out.open_array();
  out.close();
  out.key("list");
  out.open_array();
  out.number(1);
  out.boolean(false);
  out.close();
  out.close();
  CHECK(out.take() ==
        "{\n  \"a\\\"\\\\\": \"\\u000a\\u007f\\u0001 \xc3\xa9\",\n  \"n\": -1234567,\n"
        "  \"line\": {\"x\": true, \"y\": null},\n  \"empty\": [],\n"
        "  \"list\": [\n    1,\n    false\n  ]\n}\n");
}

}  // namespace
}  // namespace arctic
