#include "compiler/nft.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "compiler/nft_numbers.h"

namespace arctic::nft {
namespace {

constexpr std::size_t kIfnameSize = 16;

std::string fib_type_name(U128 type) {
  switch (static_cast<std::uint32_t>(type)) {
    case kTypeLocal:
      return "local";
    case kTypeBroadcast:
      return "broadcast";
    case kTypeAnycast:
      return "anycast";
    case kTypeMulticast:
      return "multicast";
    default:
      return std::to_string(static_cast<std::uint32_t>(type));
  }
}

int trailing_zeros(U128 value) {
  const auto low = static_cast<std::uint64_t>(value);
  if (low != 0) return std::countr_zero(low);
  return 64 + std::countr_zero(static_cast<std::uint64_t>(value >> 64));
}

/// The length of the prefix that first..last is, or -1 if it is none.
int prefix_length(Family family, U128 first, U128 last) {
  const U128 span = last - first;  // a run of ones for a prefix
  if ((span & (span + 1)) != 0 || (first & span) != 0) return -1;
  const int host_bits = span == ~U128{0} ? 128 : trailing_zeros(span + 1);
  return address_bits(family) - host_bits;
}

std::string address_range_text(Family family, U128 first, U128 last) {
  std::string text = Address{family, first}.to_string();
  if (first == last) return text;
  const int length = prefix_length(family, first, last);
  if (length >= 0) return text + '/' + std::to_string(length);
  return text + '-' + Address{family, last}.to_string();
}

}  // namespace

std::string Verdict::to_string() const {
  switch (code) {
    case VerdictCode::kDrop:
      return "drop";
    case VerdictCode::kJump:
      return "jump " + chain;
    case VerdictCode::kGoto:
      return "goto " + chain;
    case VerdictCode::kAccept:
      break;
  }
  return "accept";
}

U128 pack_ifname(std::string_view name) {
  U128 key = 0;
  for (std::size_t i = 0; i < kIfnameSize; ++i) {
    key = (key << 8) | (i < name.size() ? static_cast<std::uint8_t>(name[i]) : 0U);
  }
  return key;
}

std::string unpack_ifname(U128 key) {
  std::string name;
  for (std::size_t i = 0; i < kIfnameSize; ++i) {
    const auto byte = static_cast<std::uint8_t>(key >> (8 * (kIfnameSize - 1 - i)));
    if (byte == 0) break;
    name += static_cast<char>(byte);
  }
  return name;
}

std::size_t key_size(KeyType type) {
  return type == KeyType::kIpv6 || type == KeyType::kIfname ? 16 : 4;
}

std::string key_text(KeyType type, U128 first, U128 last) {
  switch (type) {
    case KeyType::kIpv4:
      return address_range_text(Family::kIpv4, first, last);
    case KeyType::kIpv6:
      return address_range_text(Family::kIpv6, first, last);
    case KeyType::kMark:
      return fmt::format("{:#010x}", static_cast<std::uint32_t>(first));
    case KeyType::kFibType:
      return fib_type_name(first);
    case KeyType::kIfname:
      break;
  }
  return '"' + unpack_ifname(first) + '"';
}

Rule make_rule(std::vector<Statement> statements, std::string comment) {
  Rule rule;
  rule.comment = std::move(comment);
  for (Statement& statement : statements) {
    if (!rule.text.empty()) rule.text += ' ';
    rule.text += statement.text;
    std::move(statement.exprs.begin(), statement.exprs.end(), std::back_inserter(rule.exprs));
  }
  return rule;
}

}  // namespace arctic::nft
