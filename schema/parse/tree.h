// YAML text as a light tree: kinds, texts and places, nothing of what they mean.
//
// The configuration reader walks it. Built from the YAML library's events; nodes lie in one
// vector, texts point into the source where they stand there unchanged. Duplicate keys, aliases,
// merge keys and every limit of rule 19 are settled here, so that a walk through all aliases ends
// soon. Never knows a key by name, but for `<<`.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/diagnostic.h"

namespace arctic {

enum class NodeKind : std::uint8_t { kNull, kScalar, kList, kMap, kAlias };

struct YamlNode {
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  NodeKind kind = NodeKind::kNull;
  bool plain = true;  ///< kScalar: not quoted, not tagged as text; may be a number or boolean
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t length = 1;
  std::uint32_t child =
      kNone;  ///< first item; of a map: key, value, key, …; of an alias: its target
  std::uint32_t next = kNone;  ///< in the same list or map
  std::string_view text;       ///< kScalar

  [[nodiscard]] Span span() const { return {line, column, length}; }
};

/// A key and its value, the value with its alias followed.
struct YamlEntry {
  const YamlNode* key = nullptr;
  const YamlNode* value = nullptr;
};

/// Lives no longer than the text that it was made of.
class YamlTree {
 public:
  [[nodiscard]] const YamlNode& root() const { return at(root_); }

  /// Items in order, aliases followed. REQUIRES: `list` is a list.
  [[nodiscard]] std::vector<const YamlNode*> items(const YamlNode& list) const;

  /// Entries in order; merged ones (`<<`) follow the map's own, and give way to them.
  /// Keys are scalars. Of a repeated key (reported already) the first counts. REQUIRES: a map.
  [[nodiscard]] std::vector<YamlEntry> entries(const YamlNode& map) const;

 private:
  friend class TreeBuilder;
  class SeenKeys;

  [[nodiscard]] const YamlNode& at(std::uint32_t index) const { return nodes_[index]; }
  [[nodiscard]] const YamlNode& followed(std::uint32_t index) const;
  void collect(const YamlNode& map, SeenKeys& seen, std::vector<YamlEntry>& out) const;

  std::vector<YamlNode> nodes_;
  std::deque<std::string> texts_;  ///< of scalars that are written otherwise than they read
  std::uint32_t root_ = 0;
};

/// True for the key `<<`, which is a merge key unless quoted.
[[nodiscard]] bool is_merge_key(const YamlNode& key);

/// nullopt, with an error, if the text is no YAML, or empty, or breaks a limit. Repeated and
/// unusable keys are reported, and there is a tree nonetheless.
[[nodiscard]] std::optional<YamlTree> parse_tree(std::string_view text, Diagnostics& diagnostics);

}  // namespace arctic
