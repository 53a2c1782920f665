#include "schema/parse/tree_builder.h"

#include <yaml-cpp/mark.h>

#include <algorithm>
#include <utility>

#include "schema/parse/parse_config.h"
#include "schema/parse/scalar_place.h"

namespace arctic {
namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";
constexpr std::string_view kTextTag = "tag:yaml.org,2002:str";

YamlNode node_at(const YAML::Mark& mark, NodeKind kind) {
  YamlNode node;
  node.kind = kind;
  node.line = static_cast<std::uint32_t>(std::max(mark.line, 0)) + 1;
  node.column = static_cast<std::uint32_t>(std::max(mark.column, 0)) + 1;
  return node;
}

}  // namespace

// ---- Events ----

void TreeBuilder::OnAnchor(const YAML::Mark& mark, const std::string& name) {
  YamlNode place = node_at(mark, NodeKind::kNull);
  place.length = static_cast<std::uint32_t>(name.size() + 1);
  const auto [it, is_new] = anchor_lines_.emplace(name, place.line);
  if (is_new) return;
  diagnostics_.error(
      19, place.span(), "the anchor " + quoted("&" + name) + " is defined twice",
      "the first is in line " + std::to_string(it->second) + "; give this one another name");
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  YamlNode node = node_at(mark, NodeKind::kNull);
  place_null(node, mark, anchor != 0);
  name_anchor(anchor, add(node, 1, 0), 1, 0);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  YamlNode node = node_at(mark, NodeKind::kAlias);
  const std::size_t offset = offset_of(mark);
  const std::size_t end = std::min(text_.find_first_of(" \t\r\n,[]{}", offset), text_.size());
  node.length = static_cast<std::uint32_t>(std::max(end, offset + 1) - offset);
  const Anchor target = anchor_slot(anchor);
  if (target.open) {
    stop(19, node.span(), "an alias inside of the very thing that it stands for");
  }
  if (open_.size() + target.height > kMaxDepth) stop_depth(node.span());
  node.child = target.node;
  add(node, target.size, target.height);
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  YamlNode node = node_at(mark, NodeKind::kScalar);
  check_tag(node, tag, {"str", "int", "bool", "float"});
  const ScalarPlace where = place_scalar(text_, offset_of(mark), value);
  node.column += static_cast<std::uint32_t>(where.skip);
  node.length = static_cast<std::uint32_t>(where.length);
  if (!where.closed) stop(0, node.span(), "this quote is never closed", "write the closing one");
  node.plain = tag != "!" && tag != kTextTag;
  node.text = where.source ? *where.source : tree_.texts_.emplace_back(value);
  name_anchor(anchor, add(node, 1, 0), 1, 0);
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value) {
  start(node_at(mark, NodeKind::kList), tag, "seq", anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  start(node_at(mark, NodeKind::kMap), tag, "map", anchor);
}

void TreeBuilder::OnMapEnd() {
  check_keys(tree_.at(open_.back().node));
  end();
}

// ---- Places ----

std::size_t TreeBuilder::offset_of(const YAML::Mark& mark) const {
  return std::min(text_.size(), static_cast<std::size_t>(std::max(mark.pos, 0)));
}

// The library gives a missing value the place of what follows it: look back for the `-` of an
// empty item, else take what precedes, which is the key.
void TreeBuilder::place_null(YamlNode& node, const YAML::Mark& mark, bool anchored) const {
  const std::size_t offset = offset_of(mark);
  const std::size_t length = null_length(text_, offset);
  node.length = static_cast<std::uint32_t>(std::max<std::size_t>(1, length));
  if (anchored || open_.empty() || length > 0) return;
  std::size_t i = offset;
  // The parser is given one line break more than the text has.
  std::uint32_t lines = static_cast<std::size_t>(std::max(mark.pos, 0)) > offset ? 1 : 0;
  while (i > 0 && std::string_view(" \t\r\n").find(text_[i - 1]) != std::string_view::npos) {
    if (text_[--i] == '\n') ++lines;
  }
  if (i > 0 && text_[i - 1] == '-' && tree_.at(open_.back().node).kind == NodeKind::kList) {
    const std::size_t newline = text_.rfind('\n', i - 1);
    node.line -= lines;
    node.column =
        static_cast<std::uint32_t>(i - (newline == std::string_view::npos ? 0 : newline + 1));
    return;
  }
  const std::uint32_t before = open_.back().last;
  const YamlNode& at = tree_.at(before != YamlNode::kNone ? before : open_.back().node);
  node.line = at.line;
  node.column = at.column;
  node.length = at.length;
}

// ---- Structure ----

std::uint32_t TreeBuilder::add(const YamlNode& node, std::uint64_t size, std::size_t height) {
  const auto index = static_cast<std::uint32_t>(tree_.nodes_.size());
  tree_.nodes_.push_back(node);
  if (open_.empty()) return index;
  Open& parent = open_.back();
  if (parent.last == YamlNode::kNone) {
    tree_.nodes_[parent.node].child = index;
  } else {
    tree_.nodes_[parent.last].next = index;
  }
  parent.last = index;
  grow(parent, size, height, node);
  return index;
}

void TreeBuilder::grow(Open& parent, std::uint64_t size, std::size_t height, const YamlNode& by) {
  parent.size += size;
  parent.height = std::max(parent.height, height + 1);
  if (parent.size > kMaxAliasNodes) {
    stop(19, by.span(),
         "the file has too many values once its aliases are followed; the limit is " +
             std::to_string(kMaxAliasNodes));
  }
}

void TreeBuilder::start(const YamlNode& node, const std::string& tag, const char* usual,
                        YAML::anchor_t anchor) {
  if (open_.size() >= kMaxDepth) stop_depth(node.span());
  check_tag(node, tag, {usual});
  const std::uint32_t index = add(node, 0, 0);
  open_.push_back({index});
  open_.back().anchor = anchor;
  if (anchor != 0) anchor_slot(anchor).node = index;
}

void TreeBuilder::end() {
  const Open done = open_.back();
  open_.pop_back();
  name_anchor(done.anchor, done.node, done.size, done.height);
  if (!open_.empty()) grow(open_.back(), done.size, done.height, tree_.at(done.node));
}

TreeBuilder::Anchor& TreeBuilder::anchor_slot(YAML::anchor_t anchor) {
  if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
  return anchors_[anchor];
}

void TreeBuilder::name_anchor(YAML::anchor_t anchor, std::uint32_t node, std::uint64_t size,
                              std::size_t height) {
  if (anchor != 0) anchor_slot(anchor) = {node, size, height, false};
}

// ---- Problems ----

void TreeBuilder::stop(int rule, const Span& span, std::string reason, std::string help) {
  diagnostics_.error(rule, span, std::move(reason), std::move(help));
  throw Stop{};
}

void TreeBuilder::stop_depth(const Span& span) {
  stop(19, span, "nested too deeply; the limit is " + std::to_string(kMaxDepth) + " levels");
}

void TreeBuilder::check_tag(const YamlNode& node, const std::string& tag,
                            std::initializer_list<std::string_view> allowed) {
  if (tag == "?" || tag == "!" || tag.empty()) return;
  const std::string_view text = tag;
  if (text.substr(0, kCoreTag.size()) == kCoreTag &&
      std::count(allowed.begin(), allowed.end(), text.substr(kCoreTag.size())) > 0) {
    return;
  }
  diagnostics_.error(19, node.span(), "the tag " + quoted(tag) + " means nothing here",
                     "leave it out");
}

void TreeBuilder::check_keys(const YamlNode& map) {
  std::vector<const YamlNode*> keys;
  for (std::uint32_t i = map.child; i != YamlNode::kNone; i = tree_.at(tree_.at(i).next).next) {
    const YamlNode& key = tree_.followed(i);
    if (key.kind != NodeKind::kScalar) {
      diagnostics_.error(2, tree_.at(i).span(), "a key must be a plain text");
      continue;
    }
    if (is_merge_key(key)) check_merge(tree_.followed(tree_.at(i).next), key);
    keys.push_back(&key);
  }
  std::stable_sort(keys.begin(), keys.end(),
                   [](const YamlNode* a, const YamlNode* b) { return a->text < b->text; });
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (keys[i]->text != keys[i - 1]->text) continue;
    diagnostics_.error(
        2, keys[i]->span(), "duplicate key " + quoted(keys[i]->text),
        "it is in line " + std::to_string(keys[i - 1]->line) + " already; keep one of the two");
  }
}

void TreeBuilder::check_merge(const YamlNode& value, const YamlNode& key) {
  bool good = value.kind == NodeKind::kMap;
  if (value.kind == NodeKind::kList) {
    good = true;
    for (const YamlNode* item : tree_.items(value)) good = good && item->kind == NodeKind::kMap;
  }
  if (good) return;
  diagnostics_.error(19, key.span(), "`<<` merges mappings, and this is none",
                     "write `<<: *anchor`, or a list of such aliases");
}

}  // namespace arctic
