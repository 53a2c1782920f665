#include "schema/parse/tree.h"

#include <unordered_set>

namespace arctic {

// Which keys are there already; a set of its own only where a map is long.
class YamlTree::SeenKeys {
 public:
  explicit SeenKeys(const std::vector<YamlEntry>& entries) : entries_(entries) {}

  [[nodiscard]] bool contains(std::string_view key) {
    constexpr std::size_t kFew = 16;
    if (entries_.size() <= kFew) {
      for (const YamlEntry& entry : entries_) {
        if (entry.key->text == key) return true;
      }
      return false;
    }
    for (; counted_ < entries_.size(); ++counted_) set_.insert(entries_[counted_].key->text);
    return set_.count(key) > 0;
  }

 private:
  const std::vector<YamlEntry>& entries_;
  std::size_t counted_ = 0;
  std::unordered_set<std::string_view> set_;
};

bool is_merge_key(const YamlNode& key) {
  return key.kind == NodeKind::kScalar && key.plain && key.text == "<<";
}

const YamlNode& YamlTree::followed(std::uint32_t index) const {
  const YamlNode* node = &at(index);
  while (node->kind == NodeKind::kAlias) node = &at(node->child);
  return *node;
}

std::vector<const YamlNode*> YamlTree::items(const YamlNode& list) const {
  std::vector<const YamlNode*> out;
  for (std::uint32_t i = list.child; i != YamlNode::kNone; i = at(i).next) {
    out.push_back(&followed(i));
  }
  return out;
}

void YamlTree::collect(const YamlNode& map, SeenKeys& seen, std::vector<YamlEntry>& out) const {
  const YamlNode* merged = nullptr;
  for (std::uint32_t i = map.child; i != YamlNode::kNone; i = at(at(i).next).next) {
    const YamlNode& key = followed(i);
    const YamlNode& value = followed(at(i).next);
    if (is_merge_key(key)) {
      merged = &value;
    } else if (key.kind == NodeKind::kScalar && !seen.contains(key.text)) {
      out.push_back({&key, &value});
    }
  }
  if (merged == nullptr) return;
  if (merged->kind == NodeKind::kMap) collect(*merged, seen, out);
  if (merged->kind != NodeKind::kList) return;
  for (const YamlNode* other : items(*merged)) {
    if (other->kind == NodeKind::kMap) collect(*other, seen, out);
  }
}

std::vector<YamlEntry> YamlTree::entries(const YamlNode& map) const {
  std::vector<YamlEntry> out;
  SeenKeys seen(out);
  collect(map, seen, out);
  return out;
}

}  // namespace arctic
