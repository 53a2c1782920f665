#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>

#include "compiler/nft_numbers.h"
#include "compiler/statements.h"

namespace arctic::nft {
namespace {

using Exprs = std::span<const Expr>;

constexpr std::size_t kLongestStatement = 6;

/// The first expression of a type among those that one statement can have.
template <class T>
const T* near(Exprs exprs) {
  for (const Expr& expr : exprs.first(std::min(exprs.size(), kLongestStatement))) {
    if (const T* found = std::get_if<T>(&expr)) return found;
  }
  return nullptr;
}

template <class T>
T host_number(const std::vector<std::uint8_t>& bytes) {
  T value = 0;
  if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::uint32_t network_number(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = (value << 8) | byte;
  return value;
}

std::vector<Statement> fixed_candidates() {
  std::vector<Statement> all = {iif_lo(),           socket_transparent(), ct_reply(),
                                ct_untracked(),     tcp_not_opening(),    reject_prohibited(),
                                reject_tcp_reset(), masquerade(),         counter()};
  for (const std::uint8_t protocol : {kProtoTcp, kProtoIcmp, kProtoIcmpv6}) {
    all.push_back(l4proto(protocol, true));
    all.push_back(l4proto(protocol, false));
  }
  return all;
}

void add_lookups(std::vector<Statement>& all, const std::string& map, std::uint32_t mask) {
  all.push_back(iifname_vmap(map));
  all.push_back(destination_type_vmap(map));
  for (const Family family : kFamilies) {
    all.push_back(address_vmap(family, Side::kSource, map));
    all.push_back(address_vmap(family, Side::kDestination, map));
  }
  for (const Mark mark : {Mark::kPacket, Mark::kConnection}) {
    all.push_back(mark_vmap(mark, mask, map));
  }
}

void add_marks(std::vector<Statement>& all, Exprs exprs, const Bitwise& bitwise) {
  const auto mask = host_number<std::uint32_t>(bitwise.mask);
  const auto flip = host_number<std::uint32_t>(bitwise.flip);
  const Cmp* cmp = near<Cmp>(exprs);
  for (const Mark mark : {Mark::kPacket, Mark::kConnection}) {
    all.push_back(set_mark(mark, ~mask, flip));
    if (cmp == nullptr) continue;
    const auto value = host_number<std::uint32_t>(cmp->data);
    all.push_back(mark_is(mark, mask, value, true));
    all.push_back(mark_is(mark, mask, value, false));
  }
  const Cmp* last = exprs.size() > 4 ? std::get_if<Cmp>(&exprs[4]) : nullptr;
  if (cmp != nullptr && last != nullptr) {
    all.push_back(ct_mark_between(mask, network_number(cmp->data), network_number(last->data)));
  }
}

void add_immediates(std::vector<Statement>& all, Exprs exprs) {
  if (const auto* immediate = std::get_if<ImmediateVerdict>(&exprs[0])) {
    all.push_back(verdict(immediate->verdict));
  }
  const auto* data = std::get_if<ImmediateData>(&exprs[0]);
  if (data == nullptr || exprs.size() < 2) return;
  all.push_back(set_original_zone(host_number<std::uint16_t>(data->data)));
  if (const auto* port = std::get_if<ImmediateData>(&exprs[1])) {
    const auto number = static_cast<std::uint16_t>(network_number(port->data));
    for (const Family family : kFamilies) all.push_back(tproxy(family, number));
  }
}

/// A side of address_in at the beginning of `exprs`, which is shortened by it; nullopt if it is
/// none.
std::optional<Prefix> take_network(Exprs& exprs, Family family, Side side) {
  if (exprs.size() < 2) return std::nullopt;
  const auto* payload = std::get_if<PayloadLoad>(&exprs[0]);
  const auto* bitwise = std::get_if<Bitwise>(&exprs[1]);
  const std::size_t size = bitwise != nullptr ? 3 : 2;
  const auto* cmp = exprs.size() < size ? nullptr : std::get_if<Cmp>(&exprs[size - 1]);
  if (payload == nullptr || payload->offset != address_offset(family, side) || cmp == nullptr) {
    return std::nullopt;
  }
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(cmp->data.begin(), std::min(cmp->data.size(), bytes.size()), bytes.begin());
  int length = static_cast<int>(8 * cmp->data.size());
  if (bitwise != nullptr) {
    length = 0;
    for (const std::uint8_t byte : bitwise->mask) length += std::popcount(byte);
  }
  if (length > address_bits(family)) return std::nullopt;
  exprs = exprs.subspan(size);
  return network_of(address_from_bytes(family, bytes.data()), length);
}

/// For one that compares addresses, what it would be if it is ours; candidates are compared in
/// full.
void add_networks(std::vector<Statement>& all, Exprs exprs) {
  if (exprs.size() < 2 || !std::holds_alternative<Cmp>(exprs[1])) return;
  for (const Family family : kFamilies) {
    Exprs rest = exprs.subspan(2);
    const auto source = take_network(rest, family, Side::kSource);
    const auto destination = take_network(rest, family, Side::kDestination);
    if (source) all.push_back(address_in(source, std::nullopt));
    if (destination) all.push_back(address_in(source, destination));
  }
}

/// Every statement that the expressions could begin with.
std::vector<Statement> candidates(Exprs exprs) {
  static const std::vector<Statement> kFixed = fixed_candidates();
  std::vector<Statement> all = kFixed;
  const Bitwise* bitwise = near<Bitwise>(exprs);
  if (const LookupVerdict* lookup = near<LookupVerdict>(exprs)) {
    const std::uint32_t mask = bitwise ? host_number<std::uint32_t>(bitwise->mask) : 0;
    add_lookups(all, lookup->map, mask);
  }
  if (bitwise != nullptr) add_marks(all, exprs, *bitwise);
  add_networks(all, exprs);
  add_immediates(all, exprs);
  return all;
}

bool begins_with(Exprs exprs, const std::vector<Expr>& beginning) {
  return exprs.size() >= beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), exprs.begin());
}

std::string bracketed(const Expr& expr) {
  if (const auto* unknown = std::get_if<UnknownExpr>(&expr)) return '[' + unknown->name + ']';
  static constexpr const char* kNames[] = {
      "meta",   "meta set",  "ct",     "ct set",     "payload",   "bitwise",
      "cmp",    "byteorder", "lookup", "immediate",  "immediate", "fib",
      "socket", "tproxy",    "reject", "masquerade", "counter"};
  return '[' + std::string(kNames[expr.index()]) + ']';
}

struct Priority {
  const char* name;
  std::int32_t value;
};
constexpr Priority kPriorities[] = {{"raw", kPriorityRaw}, {"mangle", kPriorityMangle},
                                    {"dstnat", -100},      {"filter", kPriorityFilter},
                                    {"security", 50},      {"srcnat", kPrioritySrcnat}};

}  // namespace

std::string text_of(const std::vector<Expr>& exprs) {
  std::string text;
  for (Exprs rest = exprs; !rest.empty();) {
    const std::vector<Statement> all = candidates(rest);
    const Statement* best = nullptr;
    for (const Statement& statement : all) {
      if (!begins_with(rest, statement.exprs)) continue;
      if (best == nullptr || statement.exprs.size() > best->exprs.size()) best = &statement;
    }
    if (!text.empty()) text += ' ';
    text += best != nullptr ? best->text : bracketed(rest.front());
    rest = rest.subspan(best != nullptr ? best->exprs.size() : 1);
  }
  return text;
}

std::string text_of(const Rule& rule) {
  return rule.text.empty() ? text_of(rule.exprs) : rule.text;
}

std::string hook_name(std::uint32_t number) {
  static constexpr const char* kNames[] = {"prerouting", "input", "forward", "output",
                                           "postrouting"};
  return number < std::size(kNames) ? kNames[number] : "hook " + std::to_string(number);
}

std::string priority_text(const Hook& hook) {
  constexpr std::int32_t kNear = 10;
  for (const Priority& priority : kPriorities) {
    const std::int64_t distance = std::int64_t{hook.priority} - priority.value;
    if (distance == 0) return priority.name;
    if (distance > 0 && distance <= kNear) return fmt::format("{} + {}", priority.name, distance);
    if (distance < 0 && -distance <= kNear) return fmt::format("{} - {}", priority.name, -distance);
  }
  return std::to_string(hook.priority);
}

std::string text_of(const Hook& hook) {
  return fmt::format("type {} hook {} priority {}; policy {};", hook.type, hook_name(hook.number),
                     priority_text(hook), hook.accept ? "accept" : "drop");
}

}  // namespace arctic::nft
