#include "runtime/tempest/uapi.h"

#include <algorithm>
#include <charconv>

namespace arctic {
namespace {

constexpr std::size_t kKeyBytes = 32;

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

bool parse_hex(std::string_view text, std::array<std::uint8_t, kKeyBytes>& out) {
  if (text.size() != 2 * kKeyBytes) return false;
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return false;
    out[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return true;
}

std::optional<Key> parse_secret(std::string_view text) {
  std::array<std::uint8_t, kKeyBytes> bytes{};
  const bool good = parse_hex(text, bytes);
  std::optional<Key> key;
  if (good) key.emplace(ByteView(bytes));
  wipe(bytes.data(), bytes.size());
  return key;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// 192.0.2.1:51820, [2001:db8::1]:51820, [fe80::1%3]:51820.
std::optional<PeerEndpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  PeerEndpoint out;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    const std::size_t percent = host.find('%');
    if (percent != std::string_view::npos) {
      const auto scope = parse_number<std::uint32_t>(host.substr(percent + 1));
      if (!scope) return std::nullopt;
      out.scope = *scope;
      host = host.substr(0, percent);
    }
    const auto address = parse_address(host);
    if (!address || address->family != Family::kIpv6) return std::nullopt;
    out.remote.address = *address;
  } else {
    const auto address = parse_address(host);
    if (!address || address->family != Family::kIpv4) return std::nullopt;
    out.remote.address = *address;
  }
  if (!port || *port == 0) return std::nullopt;
  out.remote.port = *port;
  return out;
}

/// Host bits are cut off, as everybody does who speaks this protocol.
std::optional<Prefix> parse_allowed(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto most = static_cast<std::uint8_t>(address_bits(address->family));
  std::uint8_t length = most;
  if (slash != std::string_view::npos) {
    const auto number = parse_number<std::uint8_t>(text.substr(slash + 1));
    if (!number || *number > most) return std::nullopt;
    length = *number;
  }
  return HostPrefix{*address, length}.network();
}

// ---- Lines ----

bool take_interface_line(std::string_view key, std::string_view value, UapiChange& out) {
  if (key == "private_key") {
    out.private_key = parse_secret(value);
    return out.private_key.has_value();
  }
  if (key == "listen_port") {
    out.listen_port = parse_number<std::uint16_t>(value);
    return out.listen_port.has_value();
  }
  if (key == "fwmark") {
    out.mark = parse_number<std::uint32_t>(value);
    if (!out.mark && value.starts_with("0x")) {
      std::uint32_t mark = 0;
      const char* const end = value.data() + value.size();
      const auto parsed = std::from_chars(value.data() + 2, end, mark, 16);
      if (parsed.ec == std::errc() && parsed.ptr == end) out.mark = mark;
    }
    return out.mark.has_value();
  }
  if (key == "replace_peers") {
    out.replace_peers = value == "true";
    return out.replace_peers;
  }
  return false;
}

bool take_peer_line(std::string_view key, std::string_view value, UapiPeerChange& out) {
  if (key == "remove") return out.remove = value == "true";
  if (key == "update_only") return out.update_only = value == "true";
  if (key == "replace_allowed_ips") {
    // What the same peer was given before in this request is replaced, too.
    out.allowed.clear();
    return out.replace_allowed = value == "true";
  }
  if (key == "preshared_key") {
    out.psk = parse_secret(value);
    return out.psk.has_value();
  }
  if (key == "endpoint") {
    out.endpoint = parse_endpoint(value);
    return out.endpoint.has_value();
  }
  if (key == "persistent_keepalive_interval") {
    out.keepalive = parse_number<std::uint16_t>(value);
    return out.keepalive.has_value();
  }
  if (key == "allowed_ip") {
    const bool remove = value.starts_with('-');
    const auto prefix = parse_allowed(value.substr(remove ? 1 : 0));
    if (prefix) out.allowed.push_back({*prefix, remove});
    return prefix.has_value();
  }
  return key == "protocol_version" && value == "1";
}

bool take_line(std::string_view line, UapiChange& out) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = line.substr(0, equals);
  const std::string_view value = line.substr(equals + 1);
  if (key == "public_key") {
    UapiPeerChange peer;
    if (!parse_hex(value, peer.key.bytes)) return false;
    out.peers.push_back(std::move(peer));
    return true;
  }
  return out.peers.empty() ? take_interface_line(key, value, out)
                           : take_peer_line(key, value, out.peers.back());
}

// ---- Answers ----

void put_hex(std::string& out, const char* key, ByteView bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  out += key;
  out += '=';
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15U];
  }
  out += '\n';
}

void put(std::string& out, const char* key, std::string_view value) {
  out += key;
  out += '=';
  out += value;
  out += '\n';
}

void put(std::string& out, const char* key, std::uint64_t value) {
  put(out, key, std::to_string(value));
}

std::string text_of(const PeerEndpoint& endpoint) {
  const std::string port = ":" + std::to_string(endpoint.remote.port);
  const std::string address = endpoint.remote.address.to_string();
  if (endpoint.remote.address.family == Family::kIpv4) return address + port;
  const std::string scope = endpoint.scope == 0 ? "" : "%" + std::to_string(endpoint.scope);
  return "[" + address + scope + "]" + port;
}

void put_peer(std::string& out, const UapiPeer& peer) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  put_hex(out, "public_key", peer.key.bytes);
  if (peer.psk != nullptr) put_hex(out, "preshared_key", peer.psk->view());
  put(out, "protocol_version", std::uint64_t{1});
  if (peer.endpoint) put(out, "endpoint", text_of(*peer.endpoint));
  const auto wall = peer.facts.last_handshake_wall;
  const auto whole = duration_cast<seconds>(wall);
  put(out, "last_handshake_time_sec", static_cast<std::uint64_t>(whole.count()));
  put(out, "last_handshake_time_nsec", static_cast<std::uint64_t>((wall - whole).count()));
  put(out, "tx_bytes", peer.facts.sent_bytes);
  put(out, "rx_bytes", peer.facts.received_bytes);
  put(out, "persistent_keepalive_interval",
      static_cast<std::uint64_t>(peer.facts.keepalive.count()));
  for (const Prefix& prefix : peer.allowed) put(out, "allowed_ip", prefix.to_string());
}

}  // namespace

std::optional<UapiChange> parse_uapi_change(std::string_view lines) {
  UapiChange out;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    if (!take_line(lines.substr(0, end), out)) return std::nullopt;
    lines.remove_prefix(end + 1);
  }
  return out;
}

std::string encode_uapi(const UapiInterface& interface) {
  std::string out;
  if (interface.private_key != nullptr) {
    put_hex(out, "private_key", interface.private_key->view());
  }
  if (interface.listen_port != 0) put(out, "listen_port", std::uint64_t{interface.listen_port});
  if (interface.mark != 0) put(out, "fwmark", std::uint64_t{interface.mark});
  for (const UapiPeer& peer : interface.peers) put_peer(out, peer);
  return out + "errno=0\n\n";
}

}  // namespace arctic
