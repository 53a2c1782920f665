#include "schema/base/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace arctic {
namespace {

U128 host_mask(Family family, int length) {
  const int host_bits = address_bits(family) - length;
  if (host_bits == 0) return 0;
  if (host_bits == 128) return ~U128{0};
  return (U128{1} << host_bits) - 1;
}

}  // namespace

std::array<std::uint8_t, 16> Address::bytes() const {
  std::array<std::uint8_t, 16> out{};
  const std::size_t n = size();
  U128 rest = bits;
  for (std::size_t i = n; i-- > 0;) {
    out[i] = static_cast<std::uint8_t>(rest & 0xff);
    rest >>= 8;
  }
  return out;
}

std::string Address::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  const auto raw = bytes();
  inet_ntop(family == Family::kIpv4 ? AF_INET : AF_INET6, raw.data(), buffer, sizeof buffer);
  return buffer;
}

Address address_from_bytes(Family family, const void* bytes) {
  Address out{family, 0};
  std::uint8_t raw[16];
  std::memcpy(raw, bytes, out.size());
  for (std::size_t i = 0; i < out.size(); ++i) out.bits = (out.bits << 8) | raw[i];
  return out;
}

std::optional<Address> parse_address(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  std::uint8_t raw[16];
  if (inet_pton(AF_INET, buffer, raw) == 1) return address_from_bytes(Family::kIpv4, raw);
  if (inet_pton(AF_INET6, buffer, raw) == 1) return address_from_bytes(Family::kIpv6, raw);
  return std::nullopt;
}

U128 Prefix::last() const { return bits | host_mask(family, length); }

bool Prefix::contains(const Address& address) const {
  return family == address.family && address.bits >= first() && address.bits <= last();
}

bool Prefix::contains(const Prefix& other) const {
  return family == other.family && length <= other.length && other.bits >= first() &&
         other.bits <= last();
}

bool Prefix::overlaps(const Prefix& other) const {
  return contains(other) || other.contains(*this);
}

std::string Prefix::to_string() const {
  return address().to_string() + "/" + std::to_string(static_cast<int>(length));
}

Prefix HostPrefix::network() const { return network_of(address, length); }

std::string HostPrefix::to_string() const {
  return address.to_string() + "/" + std::to_string(static_cast<int>(length));
}

Prefix network_of(const Address& address, int length) {
  return Prefix{address.family, static_cast<std::uint8_t>(length),
                address.bits & ~host_mask(address.family, length)};
}

std::optional<HostPrefix> parse_host_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int most = address_bits(address->family);
  if (slash == std::string_view::npos) {
    return HostPrefix{*address, static_cast<std::uint8_t>(most)};
  }
  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3) return std::nullopt;
  if (digits.size() > 1 && digits[0] == '0') return std::nullopt;
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  int length = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (length > most) return std::nullopt;
  return HostPrefix{*address, static_cast<std::uint8_t>(length)};
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const auto host = parse_host_prefix(text);
  if (!host) return std::nullopt;
  const Prefix network = host->network();
  if (network.bits != host->address.bits) return std::nullopt;
  return network;
}

}  // namespace arctic
