#include "tests/schema/tree_json.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>

namespace arctic {
namespace {

using nlohmann::json;

json scalar(const YamlNode& node) {
  static const std::regex kInteger("[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+");
  static const std::regex kFloat("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  const std::string text(node.text);
  if (!node.plain) return text;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (std::regex_match(text, kInteger)) {
    if (text.substr(0, 2) == "0o") return std::strtoll(text.c_str() + 2, nullptr, 8);
    if (text.substr(0, 2) == "0x") return std::strtoll(text.c_str() + 2, nullptr, 16);
    if (text.size() > 18) return std::strtod(text.c_str(), nullptr);
    return std::strtoll(text.c_str(), nullptr, 10);
  }
  if (std::regex_match(text, kFloat)) return std::strtod(text.c_str(), nullptr);
  return text;
}

json to_json(const YamlTree& tree, const YamlNode& node) {
  switch (node.kind) {
    case NodeKind::kScalar:
      return scalar(node);
    case NodeKind::kList: {
      json list = json::array();
      for (const YamlNode* item : tree.items(node)) list.push_back(to_json(tree, *item));
      return list;
    }
    case NodeKind::kMap: {
      json map = json::object();
      for (const YamlEntry& entry : tree.entries(node)) {
        map[std::string(entry.key->text)] = to_json(tree, *entry.value);
      }
      return map;
    }
    default:
      return nullptr;
  }
}

}  // namespace

std::string tree_to_json(const YamlTree& tree) {
  return to_json(tree, tree.root()).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace arctic
