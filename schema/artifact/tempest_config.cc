#include "schema/artifact/tempest_config.h"

#include <algorithm>
#include <set>

#include "schema/artifact/json_writer.h"
#include "schema/artifact/runtime_fields.h"

namespace arctic {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDeviceName = 15;
constexpr std::uint32_t kLeastMtu = 1280;  // what IPv6 needs of every link
constexpr std::uint32_t kMostMtu = 65535;

/// What Linux takes as the name of an interface.
bool is_device(std::string_view name) {
  return !name.empty() && name.size() <= kMaxDeviceName && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':'; });
}

void write_tunnel(JsonWriter& out, const TempestConfig::Tunnel& tunnel) {
  out.open_object();
  out.field("peer", tunnel.peer);
  out.field("device", tunnel.device);
  out.field("public_key", tunnel.public_key.to_string());
  write_endpoint(out, "endpoint", tunnel.endpoint);
  out.field("mtu", std::int64_t{tunnel.mtu});
  out.field("keepalive", std::int64_t{tunnel.keepalive});
  out.close();
}

Result<TempestConfig::Tunnel> read_tunnel(const json& item, const std::string& where) {
  Fields fields(item, where);
  TempestConfig::Tunnel tunnel;
  tunnel.peer = read_name(fields, "peer");
  tunnel.device = fields.text("device");
  if (!is_device(tunnel.device)) {
    fields.problem("device", "must be an interface name of at most 15 characters");
  }
  tunnel.public_key = read_key(fields, "public_key");
  tunnel.endpoint = read_endpoint_or_null(fields, "endpoint");
  tunnel.mtu = static_cast<std::uint32_t>(read_number(fields, "mtu", kLeastMtu, kMostMtu));
  tunnel.keepalive = static_cast<std::uint16_t>(read_number(fields, "keepalive", 0, 65535));
  ARCTIC_CHECK(fields.finish());
  return tunnel;
}

}  // namespace

std::string encode(const TempestConfig& config) {
  JsonWriter out;
  out.open_object();
  write_node(out, config);
  out.key("tunnels");
  out.open_array();
  for (const TempestConfig::Tunnel& tunnel : config.tunnels) write_tunnel(out, tunnel);
  out.close();
  out.close();
  return out.take();
}

Result<TempestConfig> decode_tempest_config(std::string_view text) {
  ARCTIC_TRY(const json document, parse_runtime_config(text, "tempest.json"));
  Fields fields(document, "");
  TempestConfig config;
  read_node(fields, config);
  const json& tunnels = fields.value("tunnels");
  ARCTIC_CHECK(fields.finish());
  if (!tunnels.is_array()) return fail(ErrorCode::kConfig, {}, "must be a list", {}, "/tunnels");
  std::set<std::string> peers, devices;
  std::set<PublicKey> keys;
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    const std::string where = "/tunnels/" + std::to_string(i);
    ARCTIC_TRY(TempestConfig::Tunnel tunnel, read_tunnel(tunnels[i], where));
    const char* twice = !peers.insert(tunnel.peer).second        ? "/peer"
                        : !devices.insert(tunnel.device).second  ? "/device"
                        : !keys.insert(tunnel.public_key).second ? "/public_key"
                                                                 : nullptr;
    if (twice != nullptr) return fail(ErrorCode::kConfig, {}, "is there twice", {}, where + twice);
    config.tunnels.push_back(std::move(tunnel));
  }
  return config;
}

}  // namespace arctic
