// Any bytes as a change of an interface, as wg would send it. What is taken is within its bounds,
// and what is said of it is a change that is taken again, to the same effect.
#include <cstdint>
#include <string>

#include "runtime/tempest/uapi.h"
#include "tests/fuzz/require.h"

namespace arctic {
namespace {

/// The peers of a change as an interface would tell of them.
std::string told(const UapiChange& change) {
  UapiInterface interface;
  if (change.private_key) interface.private_key = &*change.private_key;
  interface.listen_port = change.listen_port.value_or(0);
  interface.mark = change.mark.value_or(0);
  for (const UapiPeerChange& each : change.peers) {
    UapiPeer peer;
    peer.key = each.key;
    if (each.psk) peer.psk = &*each.psk;
    peer.endpoint = each.endpoint;
    peer.facts.keepalive = std::chrono::seconds(each.keepalive.value_or(0));
    for (const auto& allowed : each.allowed) peer.allowed.push_back(allowed.prefix);
    interface.peers.push_back(std::move(peer));
  }
  return encode_uapi(interface);
}

/// Without what is told only, never asked for.
std::string asked(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    const std::string line = text.substr(at, end - at);
    at = end;
    if (line == "\n" || line.starts_with("errno=") || line.starts_with("last_handshake") ||
        line.starts_with("tx_bytes") || line.starts_with("rx_bytes")) {
      continue;
    }
    out += line;
  }
  return out;
}

}  // namespace
}  // namespace arctic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace arctic;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto change = parse_uapi_change(text);
  if (!change) return 0;
  for (const UapiPeerChange& each : change->peers) {
    require(!each.endpoint || each.endpoint->remote.port != 0, "an endpoint has a port");
    for (const auto& allowed : each.allowed) {
      require(allowed.prefix.length <= address_bits(allowed.prefix.family),
              "a prefix has a length");
    }
  }
  const std::string once = told(*change);
  const auto again = parse_uapi_change(asked(once));
  require(again.has_value(), "what is told can be asked for");
  require(told(*again) == once, "and tells the same");
  return 0;
}
