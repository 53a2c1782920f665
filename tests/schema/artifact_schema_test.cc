// schema/pegasus.schema.json and tempest.schema.json say what the decoders take.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "schema/artifact/pegasus_config.h"
#include "schema/artifact/tempest_config.h"
#include "tests/schema/json_schema.h"
#include "tests/schema/text_file.h"

namespace arctic {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

PublicKey key(std::uint8_t first) {
  PublicKey out;
  out.bytes.fill(0x5a);
  out.bytes[0] = first;
  return out;
}

json pegasus() {
  PegasusConfig config;
  config.node = "syd";
  config.public_key = key(1);
  config.private_key_file = "/etc/arctic/node.key";
  config.listen_port = 61000;
  config.own_mark = 0x0ff30000;
  config.metrics = Endpoint{"127.0.0.1", 9470};
  config.peers = {{"lon", key(2), Endpoint{"2001:db8::1", 61000}}, {"par", key(3), std::nullopt}};
  PegasusConfig::Tunnel entry;
  entry.service = "a";
  entry.id = "svc-abcdefghijk";
  entry.role = PegasusConfig::Role::kEntry;
  entry.peer = "lon";
  entry.listen_port = 20001;
  PegasusConfig::Tunnel exit = entry;
  exit.service = "b";
  exit.id = "svc-b";
  exit.role = PegasusConfig::Role::kExit;
  exit.peer = "par";
  exit.transport = Transport::kKcp;
  exit.proxy_protocol = ProxyProtocol::kV2;
  exit.limit_mbps = 500;
  exit.listen_port = 0;
  exit.allow = {{parse_prefix("10.0.0.0/8"), std::nullopt},
                {parse_prefix("fd00::/8"), parse_prefix("fd01::/16")}};
  config.tunnels = {entry, exit};
  return json::parse(encode(config));
}

json tempest() {
  TempestConfig config;
  config.node = "syd";
  config.private_key_file = "/etc/arctic/node.key";
  config.listen_port = 51840;
  config.own_mark = 1;
  config.tunnels = {{"lon", "tp-lon", key(2), Endpoint{"lon.example.net", 51840}, 1420, 25},
                    {"par", "tp-par", key(3), std::nullopt, 1420, 0}};
  return json::parse(encode(config));
}

struct Row {
  const char* pointer;
  json value;  // discarded: the key is taken out
  bool good;
};

const json kGone = json(json::value_t::discarded);

const Row kBoth[] = {
    {"/version", 2, false},
    {"/version", kGone, false},
    {"/node", "..", false},
    {"/node", "", false},
    {"/node", 5, false},
    {"/node", "a.b-c_d", true},
    {"/public_key", nullptr, true},
    {"/public_key", "x", false},
    {"/public_key", kGone, false},
    {"/private_key_file", "node.key", false},
    {"/listen_port", 0, false},
    {"/listen_port", 65535, true},
    {"/listen_port", 65536, false},
    {"/listen_port", "61000", false},
    {"/own_mark", 0, false},
    {"/own_mark", 4294967295U, true},
    {"/own_mark", 4294967296, false},
    {"/metrics", nullptr, true},
    {"/metrics", "[::1]:9470", true},
    {"/metrics", "::1:9470", false},
    {"/metrics", "127.0.0.1:0", false},
    {"/metrics", "127.0.0.1", false},
    {"/metrics", kGone, false},
    {"/tunnels", nullptr, false},
    {"/tunnels", json::array(), true},
    {"/tunnels/0", nullptr, false},
    {"/tunnels/0/other", 1, false},
    {"/other", 1, false},
    {"/tunnels/0/peer", "-", false},
};

const Row kPegasus[] = {
    {"/peers", kGone, false},
    {"/peers/0/name", "", false},
    {"/peers/0/public_key", nullptr, false},
    {"/peers/0/endpoint", nullptr, true},
    {"/peers/0/endpoint", "lon:1", true},
    {"/peers/0/endpoint", "lon", false},
    {"/tunnels/0/id", "a.b", false},
    {"/tunnels/0/id", "svc_1-x", true},
    {"/tunnels/0/role", "both", false},
    {"/tunnels/0/role", "exit", false},
    {"/tunnels/0/transport", "udp", false},
    {"/tunnels/0/transport", "kcp", true},
    {"/tunnels/0/transparent", 1, false},
    {"/tunnels/0/transparent", true, true},
    {"/tunnels/1/transparent", true, false},
    {"/tunnels/0/proxy_protocol", "v1", false},
    {"/tunnels/0/limit_mbps", 1'000'001, false},
    {"/tunnels/0/limit_mbps", -1, false},
    {"/tunnels/0/limit_mbps", 1.5, false},
    {"/tunnels/0/listen_port", kGone, false},
    {"/tunnels/0/on_down", "wait", false},
    {"/tunnels/0/on_down", "direct", true},
    {"/tunnels/0/allow", json::array(), false},
    {"/tunnels/1/allow", json::array(), true},
    {"/tunnels/1/allow", kGone, false},
    {"/tunnels/1/on_down", "drop", false},
    {"/tunnels/1/allow/0/source", nullptr, true},
    {"/tunnels/1/allow/0/source", "10.0.0.0/33", false},
    {"/tunnels/1/allow/0/source", kGone, false},
};

const Row kTempest[] = {
    {"/peers", json::array(), false},
    {"/tunnels/0/device", "", false},
    {"/tunnels/0/device", "a23456789012345", true},
    {"/tunnels/0/device", "a234567890123456", false},
    {"/tunnels/0/device", "a/b", false},
    {"/tunnels/0/public_key", nullptr, false},
    {"/tunnels/0/endpoint", nullptr, true},
    {"/tunnels/0/mtu", 1279, false},
    {"/tunnels/0/mtu", 65536, false},
    {"/tunnels/0/keepalive", 65535, true},
    {"/tunnels/0/keepalive", 65536, false},
    {"/tunnels/0/keepalive", -1, false},
};

json change(json document, const Row& row) {
  const json::json_pointer pointer(row.pointer);
  if (row.value.is_discarded()) {
    document.at(pointer.parent_pointer()).erase(pointer.back());
  } else {
    document[pointer] = row.value;
  }
  return document;
}

template <class Decode>
void hold_together(const char* schema, const json& base, std::vector<Row> rows, Decode decode) {
  rows.insert(rows.end(), std::begin(kBoth), std::end(kBoth));
  std::vector<std::string> documents = {base.dump()};
  for (const Row& row : rows) documents.push_back(change(base, row).dump());
  const std::vector<bool> accepted = accepted_by(schema, documents);
  REQUIRE(accepted[0]);
  REQUIRE(decode(documents[0]).has_value());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(rows[i].pointer << " " << documents[i + 1]);
    CHECK(accepted[i + 1] == rows[i].good);
    CHECK(decode(documents[i + 1]).has_value() == rows[i].good);
  }
}

TEST_CASE("pegasus.schema.json agrees with the decoder") {
  hold_together("pegasus.schema.json", pegasus(), {std::begin(kPegasus), std::end(kPegasus)},
                decode_pegasus_config);
}

TEST_CASE("tempest.schema.json agrees with the decoder") {
  hold_together("tempest.schema.json", tempest(), {std::begin(kTempest), std::end(kTempest)},
                decode_tempest_config);
}

TEST_CASE("what the compiler writes for the examples is what the schemas say") {
  const fs::path golden = fs::path(ARCTIC_SOURCE_DIR) / "golden" / "compile";
  for (const char* runtime : {"pegasus", "tempest"}) {
    std::vector<std::string> documents;
    for (const auto& entry : fs::recursive_directory_iterator(golden)) {
      if (entry.path().filename() != std::string(runtime) + ".json") continue;
      documents.push_back(json::parse(read_file(entry.path())).dump());
    }
    REQUIRE_FALSE(documents.empty());
    const auto accepted = accepted_by(std::string(runtime) + ".schema.json", documents);
    for (std::size_t i = 0; i < documents.size(); ++i) {
      INFO(documents[i]);
      CHECK(accepted[i]);
    }
  }
}

}  // namespace
}  // namespace arctic
