#include "schema/artifact/pegasus_config.h"

#include <set>
#include <utility>

#include "schema/artifact/json_writer.h"
#include "schema/artifact/runtime_fields.h"

namespace arctic {
namespace {

using Role = PegasusConfig::Role;
using nlohmann::json;

constexpr std::uint32_t kMaxLimitMbps = 1'000'000;

// ---- Encode
// --------------------------------------------------------------------------------------

void write_prefix(JsonWriter& out, const char* key, const std::optional<Prefix>& prefix) {
  out.field_or_null(key, prefix ? prefix->to_string() : "");
}

void write_peer(JsonWriter& out, const PegasusConfig::Peer& peer) {
  out.open_object();
  out.field("name", peer.name);
  out.field("public_key", peer.public_key.to_string());
  write_endpoint(out, "endpoint", peer.endpoint);
  out.close();
}

void write_tunnel(JsonWriter& out, const PegasusConfig::Tunnel& tunnel) {
  out.open_object();
  out.field("service", tunnel.service);
  out.field("id", tunnel.id);
  out.field("role", to_string(tunnel.role));
  out.field("peer", tunnel.peer);
  out.field("transport", to_string(tunnel.transport));
  out.field("transparent", tunnel.transparent);
  out.field("proxy_protocol", to_string(tunnel.proxy_protocol));
  out.field("limit_mbps", std::int64_t{tunnel.limit_mbps});
  if (tunnel.role == Role::kEntry) {
    out.field("listen_port", std::int64_t{tunnel.listen_port});
    out.field("on_down", to_string(tunnel.on_down));
  } else {
    out.key("allow");
    out.open_array();
    for (const PegasusConfig::Allow& allow : tunnel.allow) {
      out.open_object(JsonWriter::Layout::kLine);
      write_prefix(out, "source", allow.source);
      write_prefix(out, "destination", allow.destination);
      out.close();
    }
    out.close();
  }
  out.close();
}

// ---- Decode
// --------------------------------------------------------------------------------------

Result<PegasusConfig::Peer> read_peer(const json& item, const std::string& where) {
  Fields fields(item, where);
  PegasusConfig::Peer peer;
  peer.name = read_name(fields, "name");
  peer.public_key = read_key(fields, "public_key");
  peer.endpoint = read_endpoint_or_null(fields, "endpoint");
  ARCTIC_CHECK(fields.finish());
  return peer;
}

Result<PegasusConfig::Allow> read_allow(const json& item, const std::string& where) {
  Fields fields(item, where);
  PegasusConfig::Allow allow;
  allow.source = read_prefix_or_null(fields, "source");
  allow.destination = read_prefix_or_null(fields, "destination");
  if (allow.source && allow.destination && allow.source->family != allow.destination->family) {
    fields.problem("destination", "must be of the same family as source");
  }
  ARCTIC_CHECK(fields.finish());
  return allow;
}

std::string read_service_id(Fields& fields) {
  std::string id = read_name(fields, "id");
  if (id.find('.') != std::string::npos) fields.problem("id", "must not contain '.'");
  return id;
}

Result<PegasusConfig::Tunnel> read_tunnel(const json& item, const std::string& where) {
  Fields fields(item, where);
  PegasusConfig::Tunnel tunnel;
  tunnel.service = read_name(fields, "service");
  tunnel.id = read_service_id(fields);
  tunnel.role = read_word(fields, "role", {Role::kEntry, Role::kExit});
  tunnel.peer = read_name(fields, "peer");
  tunnel.transport = read_word(fields, "transport", {Transport::kTcp, Transport::kKcp});
  tunnel.transparent = read_boolean(fields, "transparent");
  tunnel.proxy_protocol =
      read_word(fields, "proxy_protocol", {ProxyProtocol::kNone, ProxyProtocol::kV2});
  tunnel.limit_mbps =
      static_cast<std::uint32_t>(read_number(fields, "limit_mbps", 0, kMaxLimitMbps));
  if (tunnel.transparent && tunnel.transport != Transport::kTcp) {
    fields.problem("transparent", "needs transport tcp");
  }
  if (tunnel.transparent && tunnel.proxy_protocol != ProxyProtocol::kNone) {
    fields.problem("proxy_protocol", "must be none where transparent is true");
  }
  if (tunnel.role == Role::kEntry) {
    tunnel.listen_port = read_port(fields, "listen_port");
    tunnel.on_down =
        read_word(fields, "on_down", {OnDown::kReject, OnDown::kDirect, OnDown::kDrop});
    ARCTIC_CHECK(fields.finish());
    return tunnel;
  }
  const json& allow = fields.value("allow");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_TRY(tunnel.allow, read_list<PegasusConfig::Allow>(allow, where + "/allow", read_allow));
  return tunnel;
}

/// What no single item shows: names that are there twice or not at all, a port for two services.
Status check_references(const PegasusConfig& config) {
  const auto problem = [](const char* list, std::size_t index, const char* key,
                          std::string reason) {
    return fail(ErrorCode::kConfig, {}, std::move(reason), {},
                item_pointer(list, index) + '/' + key);
  };
  std::set<std::string_view> peers;
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    if (!peers.insert(config.peers[i].name).second) {
      return problem("/peers", i, "name", "is there twice");
    }
  }
  std::set<std::string_view> services, ids;
  std::set<std::uint16_t> ports;
  for (std::size_t i = 0; i < config.tunnels.size(); ++i) {
    const PegasusConfig::Tunnel& tunnel = config.tunnels[i];
    if (!services.insert(tunnel.service).second) {
      return problem("/tunnels", i, "service", "is there twice");
    }
    if (!ids.insert(tunnel.id).second) return problem("/tunnels", i, "id", "is there twice");
    if (peers.count(tunnel.peer) == 0) {
      return problem("/tunnels", i, "peer", "names no entry of peers");
    }
    if (tunnel.role == Role::kEntry && !ports.insert(tunnel.listen_port).second) {
      return problem("/tunnels", i, "listen_port", "is another service's too");
    }
  }
  return {};
}

}  // namespace

const char* to_string(PegasusConfig::Role role) { return role == Role::kEntry ? "entry" : "exit"; }

std::string encode(const PegasusConfig& config) {
  JsonWriter out;
  out.open_object();
  write_node(out, config);
  out.key("peers");
  out.open_array();
  for (const PegasusConfig::Peer& peer : config.peers) write_peer(out, peer);
  out.close();
  out.key("tunnels");
  out.open_array();
  for (const PegasusConfig::Tunnel& tunnel : config.tunnels) write_tunnel(out, tunnel);
  out.close();
  out.close();
  return out.take();
}

Result<PegasusConfig> decode_pegasus_config(std::string_view text) {
  ARCTIC_TRY(const json document, parse_runtime_config(text, "pegasus.json"));
  Fields fields(document, "");
  PegasusConfig config;
  read_node(fields, config);
  const json& peers = fields.value("peers");
  const json& tunnels = fields.value("tunnels");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_TRY(config.peers, read_list<PegasusConfig::Peer>(peers, "/peers", read_peer));
  ARCTIC_TRY(config.tunnels, read_list<PegasusConfig::Tunnel>(tunnels, "/tunnels", read_tunnel));
  ARCTIC_CHECK(check_references(config));
  return config;
}

}  // namespace arctic
