#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/compile.h"
#include "compiler/statements.h"

namespace arctic {
namespace {

using NamedChain = std::pair<const std::string, nft::Chain>;

/// Chains with a hook first, along a packet's way, then the others by name.
std::vector<const NamedChain*> in_reading_order(const nft::Table& table) {
  std::vector<const NamedChain*> chains;
  for (const NamedChain& chain : table.chains) chains.push_back(&chain);
  const auto place = [](const NamedChain* chain) {
    const std::optional<nft::Hook>& hook = chain->second.hook;
    return std::tuple(!hook.has_value(), hook ? hook->number : 0, hook ? hook->priority : 0);
  };
  std::stable_sort(chains.begin(), chains.end(),
                   [&](const NamedChain* a, const NamedChain* b) { return place(a) < place(b); });
  return chains;
}

void append_comment(std::string& out, const std::string& comment) {
  if (comment.empty()) return;
  out += " comment \"";
  out += comment;
  out += '"';
}

void append_chain(std::string& out, const std::string& name, const nft::Chain& chain) {
  out += "\n\tchain ";
  out += name;
  out += " {\n";
  if (chain.hook) {
    out += "\t\t";
    out += nft::text_of(*chain.hook);
    out += '\n';
  }
  for (const nft::Rule& rule : chain.rules) {
    out += "\t\t";
    out += rule.text;
    append_comment(out, rule.comment);
    out += '\n';
  }
  out += "\t}\n";
}

const char* type_name(nft::KeyType type) {
  switch (type) {
    case nft::KeyType::kIpv4:
      return "ipv4_addr";
    case nft::KeyType::kIpv6:
      return "ipv6_addr";
    case nft::KeyType::kMark:
      return "mark";
    case nft::KeyType::kFibType:
      return "fib_addrtype";
    case nft::KeyType::kIfname:
      break;
  }
  return "ifname";
}

void append_map(std::string& out, const std::string& name, const nft::Map& map) {
  out += "\n\tmap ";
  out += name;
  out += " {\n\t\ttype ";
  out += type_name(map.key);
  out += " : verdict\n";
  if (map.interval) out += "\t\tflags interval\n";
  if (!map.elements.empty()) {
    out += "\t\telements = {\n";
    for (const nft::Element& element : map.elements) {
      out += "\t\t\t";
      out += nft::key_text(map.key, element.first, element.last);
      append_comment(out, element.comment);
      out += " : ";
      out += element.verdict.to_string();
      out += ",\n";
    }
    out += "\t\t}\n";
  }
  out += "\t}\n";
}

}  // namespace

std::string emit_ruleset(const NodeState& desired) {
  // The first line makes the second one work where there is no table yet.
  std::string out =
      "# The packet rules of one node, for `nft -f`. Loading them replaces the table at once.\n"
      "table inet arctic\n"
      "delete table inet arctic\n";
  if (!desired.table) return out;
  out += "\ntable inet arctic {\n\tcomment \"";
  out += nft::kTableComment;
  out += "\"\n";
  for (const NamedChain* chain : in_reading_order(*desired.table)) {
    append_chain(out, chain->first, chain->second);
  }
  for (const auto& [name, map] : desired.table->maps) append_map(out, name, map);
  out += "}\n";
  return out;
}

}  // namespace arctic
