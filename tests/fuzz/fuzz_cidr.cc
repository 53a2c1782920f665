// Any bytes as an address, a prefix, a public key, and as the values of a configuration that hold
// them: what parses prints, and what was printed parses to the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/base/address.h"
#include "schema/base/key.h"
#include "schema/parse/parse_config.h"
#include "tests/fuzz/require.h"

namespace arctic {
namespace {

void check_values(std::string_view text) {
  if (const auto address = parse_address(text)) {
    require(parse_address(address->to_string()) == address, "address: parse(print(x)) == x");
    const auto bytes = address->bytes();
    require(address_from_bytes(address->family, bytes.data()) == *address, "address: bytes");
  }
  const auto host = parse_host_prefix(text);
  const auto prefix = parse_prefix(text);
  require(host || !prefix, "a network is an address with a length");
  if (host) {
    require(parse_host_prefix(host->to_string()) == host, "host: parse(print(x)) == x");
    require(host->network().contains(host->address), "a network contains its hosts");
    require(prefix.has_value() == (host->network().bits == host->address.bits), "host bits");
  }
  if (prefix) {
    require(parse_prefix(prefix->to_string()) == prefix, "prefix: parse(print(x)) == x");
    require(prefix->first() <= prefix->last(), "a network has at least one address");
  }
  if (const auto key = parse_public_key(text)) {
    require(key->to_string() == text, "key: print(parse(x)) == x");
    static_cast<void>(is_low_order(*key));
  }
}

// In double quotes, so that any byte gets as far as the value's own reader.
std::string as_scalar(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (value >= 0x20 && value < 0x7f && byte != '"' && byte != '\\') {
      out += byte;
    } else {
      out += {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
    }
  }
  return out + "\"";
}

void check_in_place(std::string_view text) {
  const std::string value = as_scalar(text);
  const std::string yaml = "version: v1\npeers:\n- address: " + value + "\n  metrics: " + value +
                           "\n  public_key: " + value + "\n  parent_interface: " + value +
                           "\nservices:\n- interface: {ipv4: " + value + ", ipv6: " + value +
                           "}\nprotect: [" + value + "]\n";
  Diagnostics diagnostics;
  const Config config = parse_config(yaml, diagnostics);
  require(config.protect.size() == (parse_prefix(text) ? 1U : 0U), "the reader takes what parses");
  const auto& peer = config.peers.at(0);
  if (peer.address && peer.address->value.address) {
    const HostName& host = peer.address->value;
    require(parse_address(host.text) == host.address, "an address is written canonically");
  }
  if (peer.metrics) {
    require(peer.metrics->value.port > 0, "a port is not 0");
    require(parse_address(peer.metrics->value.host).has_value(), "metrics are at an address");
  }
}

}  // namespace
}  // namespace arctic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  arctic::check_values(text);
  arctic::check_in_place(text);
  return 0;
}
