#include <algorithm>
#include <charconv>

#include "schema/parse/read_value.h"

namespace arctic {
namespace {

constexpr const char* kAddressForms = "an address, or a host name";

void refuse(const Value& value, Diagnostics& diagnostics, std::string reason,
            std::string help = {}) {
  diagnostics.error(value.rule, value.node.span(), std::move(reason), std::move(help));
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint32_t port = 0;
  if (!all_digits(text) || text.size() > 5 || text[0] == '0') return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), port);
  if (port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// Why `address` or `address/length` does not parse.
std::string why_no_prefix(std::string_view text, const char* examples) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  if (const auto parsed = parse_address(address)) {
    const int most = address_bits(parsed->family);
    return "the number after `/` is 0 to " + std::to_string(most) + ", without leading zeros";
  }
  if (address.find('%') != std::string_view::npos) return "write it without the zone (`%...`)";
  if (address.find('[') != std::string_view::npos) return "write it without brackets";
  const bool dotted = address.find_first_not_of("0123456789.") == std::string_view::npos;
  const auto dots = std::count(address.begin(), address.end(), '.');
  if (dotted && dots < 3) return "an IPv4 address has four numbers, as in 10.0.0.0/8";
  if (dotted) return "each of the four numbers is 0 to 255, without leading zeros";
  return std::string("write it like ") + examples;
}

// Why nobody can have this address; nullptr if somebody can.
const char* why_no_host(const Address& address) {
  const bool v4 = address.family == Family::kIpv4;
  const auto in = [&](const char* prefix) { return parse_prefix(prefix)->contains(address); };
  if (in(v4 ? "0.0.0.0/8" : "::/128")) return "is no address of a host";
  if (in(v4 ? "224.0.0.0/4" : "ff00::/8")) return "is a multicast address";
  if (v4 && address.bits == max_address(Family::kIpv4)) return "is the broadcast address";
  return nullptr;
}

// What an address at an end of its network is; nullptr between them. Networks of two addresses have
// no such ends, and IPv6 has no broadcast.
const char* end_of_network(const HostPrefix& address) {
  if (address_bits(address.address.family) - address.length < 2) return nullptr;
  const Prefix network = address.network();
  const bool v4 = address.address.family == Family::kIpv4;
  if (address.address.bits == network.first()) {
    return v4 ? "the address" : "the anycast address of the routers";
  }
  return v4 && address.address.bits == network.last() ? "the broadcast address" : nullptr;
}

bool is_host_name(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::string_view label = text.substr(0, text.find('.'));
    const bool good = std::all_of(label.begin(), label.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    });
    if (label.empty() || label.size() > 63 || !good) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    if (label.size() == text.size()) return !all_digits(label);  // 300.1.2.3 is no name
    text.remove_prefix(label.size() + 1);
  }
}

struct HostAndPort {
  std::string_view host;
  std::optional<std::string_view> port;
};

// host, host:port, [v6], [v6]:port, and v6 without brackets; nullopt if the brackets are wrong.
std::optional<HostAndPort> split_port(std::string_view text) {
  if (!text.empty() && text[0] == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    const auto address = parse_address(host);
    if (!address || address->family != Family::kIpv6) return std::nullopt;
    if (rest.empty()) return HostAndPort{host, std::nullopt};
    if (rest[0] != ':') return std::nullopt;
    return HostAndPort{host, rest.substr(1)};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return HostAndPort{text, std::nullopt};
  }
  return HostAndPort{text.substr(0, colon), text.substr(colon + 1)};
}

std::string why_no_name(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return "write the host alone, without `://`";
  if (text.find('/') != std::string_view::npos) return "write one address, without `/`";
  if (text.find('%') != std::string_view::npos) return "write it without the zone (`%...`)";
  return "write it like 192.0.2.10, 2001:db8::10, [2001:db8::10] or syd.example.net";
}

}  // namespace

std::optional<Located<Prefix>> read_prefix(const Value& value, Diagnostics& diagnostics) {
  const auto text = read_scalar(value, "a network like 10.0.0.0/8", diagnostics);
  if (!text) return std::nullopt;
  const auto parsed = parse_host_prefix(*text);
  if (!parsed) {
    refuse(value, diagnostics, quoted(*text) + " is not a network",
           why_no_prefix(*text, "10.0.0.0/8 or fd00::/8"));
    return std::nullopt;
  }
  const Prefix network = parsed->network();
  if (network.bits != parsed->address.bits) {
    refuse(value, diagnostics, quoted(*text) + " has host bits set",
           "write `" + network.to_string() + "` for the network, or `" +
               parsed->address.to_string() + "` for that one host");
    return std::nullopt;
  }
  return Located<Prefix>{network, value.node.span()};
}

std::optional<Located<HostPrefix>> read_host_prefix(const Value& value, Family family,
                                                    Diagnostics& diagnostics) {
  const bool v4 = family == Family::kIpv4;
  const std::string wanted = v4 ? "an IPv4 address and the length of its network, as in 10.0.0.9/24"
                                : "an IPv6 address and the length of its network, as in fd00::9/64";
  const auto text = read_scalar(value, wanted, diagnostics);
  if (!text) return std::nullopt;
  // Before the length: that of the other family may be out of range here.
  const auto address = parse_address(text->substr(0, text->find('/')));
  if (address && address->family != family) {
    refuse(value, diagnostics, quoted(*text) + " is an " + (v4 ? "IPv6" : "IPv4") + " address",
           v4 ? "move it to `ipv6`" : "move it to `ipv4`");
    return std::nullopt;
  }
  const auto parsed = parse_host_prefix(*text);
  if (!parsed) {
    refuse(value, diagnostics, quoted(*text) + " is not an address with the length of its network",
           why_no_prefix(*text, v4 ? "10.0.0.9/24" : "fd00::9/64"));
    return std::nullopt;
  }
  const char* why = why_no_host(parsed->address);
  if (why == nullptr && parse_prefix(v4 ? "127.0.0.0/8" : "::1/128")->contains(parsed->address)) {
    why = "is a loopback address";
  }
  if (why == nullptr && kLinkLocalIpv6.contains(parsed->address)) {
    why = "is a link-local address, which means another host on every link";
  }
  if (why == nullptr && parsed->length == 0) why = "has a network length of 0";
  if (why != nullptr) {
    refuse(value, diagnostics, quoted(*text) + " " + why, "write " + wanted);
    return std::nullopt;
  }
  if (const char* end = end_of_network(*parsed)) {
    const HostPrefix some{{family, parsed->network().first() + 1}, parsed->length};
    refuse(value, diagnostics, quoted(*text) + " is " + end + " of its network, not a host's",
           "write a host's, for instance " + some.to_string());
    return std::nullopt;
  }
  return Located<HostPrefix>{*parsed, value.node.span()};
}

std::optional<Located<HostName>> read_host(const Value& value, Diagnostics& diagnostics) {
  const auto text = read_scalar(value, kAddressForms, diagnostics);
  if (!text) return std::nullopt;
  const auto parts = split_port(*text);
  const auto address = parts ? parse_address(parts->host) : std::nullopt;
  const bool url = text->find("://") != std::string_view::npos;
  const bool host_fits = address || (parts && is_host_name(parts->host));
  if (!host_fits || (parts->port && !parse_port(*parts->port))) {
    refuse(value, diagnostics, quoted(*text) + " is neither an address nor a host name",
           host_fits && !url
               ? "leave the port out; `pegasus_port` and `tempest_port` say what is used"
               : why_no_name(*text));
    return std::nullopt;
  }
  if (const char* why = address ? why_no_host(*address) : nullptr) {
    refuse(value, diagnostics, quoted(*text) + " " + why,
           "write the address at which the other peers reach this one");
    return std::nullopt;
  }
  if (parts->port) {
    diagnostics.note(
        18, value.node.span(), "the port in " + quoted(*text) + " is ignored",
        "ports are `pegasus_port` and `tempest_port`; write `" + std::string(parts->host) + "`");
  }
  return Located<HostName>{{address ? address->to_string() : std::string(parts->host), address},
                           value.node.span()};
}

std::optional<Located<Endpoint>> read_listen(const Value& value, std::uint16_t last_port,
                                             Diagnostics& diagnostics) {
  constexpr const char* kWanted = "an address and a port, as in 127.0.0.1:9470 or [::1]:9470";
  const auto text = read_scalar(value, kWanted, diagnostics);
  if (!text) return std::nullopt;
  const auto parts = split_port(*text);
  const auto address = parts ? parse_address(parts->host) : std::nullopt;
  const auto port = parts && parts->port ? parse_port(*parts->port) : std::nullopt;
  if (!address || !port || *port > last_port) {
    const bool too_high = address && port;
    refuse(value, diagnostics, value.name() + " must be " + kWanted,
           too_high ? "the port is 1 to " + std::to_string(last_port) +
                          ", since the next one is used too"
                    : std::string());
    return std::nullopt;
  }
  return Located<Endpoint>{{address->to_string(), *port}, value.node.span()};
}

}  // namespace arctic
