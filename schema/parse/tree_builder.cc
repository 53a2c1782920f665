#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include "schema/parse/parse_config.h"
#include "schema/parse/scalar_place.h"
#include "schema/parse/text_check.h"
#include "schema/parse/tree.h"
#include "schema/parse/yaml_error.h"

namespace arctic {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

// Ends the library's parse; what is wrong is in the diagnostics.
struct Stop {};
// The library found something after the first document.
struct SecondDocument {
  std::size_t offset;
};

class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* const begin = const_cast<char*>(text.data());  // the interface wants it; nobody writes
    setg(begin, begin, begin + text.size());
  }
};

class SecondDocumentHandler : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw SecondDocument{static_cast<std::size_t>(std::max(mark.pos, 0))};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, Diagnostics& diagnostics)
      : text_(text), diagnostics_(diagnostics) {}

  [[nodiscard]] YamlTree take() { return std::move(tree_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    const Span span = place(mark, name.size() + 1);
    const auto [it, is_new] = anchor_lines_.emplace(name, span.line);
    if (is_new) return;
    diagnostics_.error(
        19, span, "the anchor " + quoted("&" + name) + " is defined twice",
        "the first is in line " + std::to_string(it->second) + "; give this one another name");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node = node_at(mark, NodeKind::kNull);
    place_null(node, offset_of(mark), anchor != 0);
    name_anchor(anchor, add(node, 1, 0), 1, 0);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node = node_at(mark, NodeKind::kAlias);
    const std::size_t offset = offset_of(mark);
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n,[]{}", offset), text_.size());
    node.length = static_cast<std::uint32_t>(end - offset);
    const Anchor& target = anchor_slot(anchor);
    if (target.open) {
      stop(node.span(), "an alias inside of the very thing that it stands for");
    }
    node.child = target.node;
    if (open_.size() + target.height > kMaxDepth) stop_depth(node.span());
    add(node, target.size, target.height);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = node_at(mark, NodeKind::kScalar);
    check_tag(node, tag, {"str", "int", "bool", "float"});
    node.plain = tag == "?" || (tag != "!" && tag != std::string(kCoreTag) + "str");
    const ScalarPlace where = place_scalar(text_, offset_of(mark), value);
    node.column += static_cast<std::uint32_t>(where.skip);
    node.length = static_cast<std::uint32_t>(where.length);
    node.text = where.source ? *where.source : tree_.texts_.emplace_back(value);
    name_anchor(anchor, add(node, 1, 0), 1, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(node_at(mark, NodeKind::kList), tag, "seq", anchor);
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(node_at(mark, NodeKind::kMap), tag, "map", anchor);
  }
  void OnMapEnd() override {
    check_keys(tree_.at(open_.back().node));
    end();
  }

 private:
  struct Anchor {
    std::uint32_t node = YamlNode::kNone;
    std::uint64_t size = 0;  // nodes, aliases followed
    std::size_t height = 0;  // levels, aliases followed
    bool open = true;
  };
  struct Open {
    std::uint32_t node;
    std::uint32_t last = YamlNode::kNone;
    std::uint64_t size = 1;
    std::size_t height = 1;
    YAML::anchor_t anchor = 0;
  };

  // ---- Places ----

  [[nodiscard]] std::size_t offset_of(const YAML::Mark& mark) const {
    return std::min(text_.size(), static_cast<std::size_t>(std::max(mark.pos, 0)));
  }

  [[nodiscard]] static Span place(const YAML::Mark& mark, std::size_t length) {
    return {static_cast<std::size_t>(std::max(mark.line, 0)) + 1,
            static_cast<std::size_t>(std::max(mark.column, 0)) + 1, length};
  }

  [[nodiscard]] static YamlNode node_at(const YAML::Mark& mark, NodeKind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = static_cast<std::uint32_t>(std::max(mark.line, 0)) + 1;
    node.column = static_cast<std::uint32_t>(std::max(mark.column, 0)) + 1;
    return node;
  }

  // The library gives a missing value the place of what follows; what precedes it is better.
  void place_null(YamlNode& node, std::size_t offset, bool anchored) const {
    node.length = static_cast<std::uint32_t>(std::max<std::size_t>(1, null_length(text_, offset)));
    if (anchored || open_.empty() || null_length(text_, offset) > 0) return;
    const std::uint32_t before = open_.back().last;
    const YamlNode& at = tree_.at(before != YamlNode::kNone ? before : open_.back().node);
    node.line = at.line;
    node.column = at.column;
    node.length = at.length;
  }

  // ---- Structure ----

  std::uint32_t add(const YamlNode& node, std::uint64_t size, std::size_t height) {
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

  void grow(Open& parent, std::uint64_t size, std::size_t height, const YamlNode& by) {
    parent.size += size;
    parent.height = std::max(parent.height, height + 1);
    if (parent.size > kMaxAliasNodes) {
      stop(by.span(), "the file has too many values once its aliases are followed; the limit is " +
                          std::to_string(kMaxAliasNodes));
    }
  }

  void start(YamlNode node, const std::string& tag, const char* usual, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxDepth) stop_depth(node.span());
    check_tag(node, tag, {usual});
    const std::uint32_t index = add(node, 0, 0);
    open_.push_back({index});
    open_.back().anchor = anchor;
    if (anchor != 0) anchor_slot(anchor).node = index;
  }

  void end() {
    const Open done = open_.back();
    open_.pop_back();
    name_anchor(done.anchor, done.node, done.size, done.height);
    if (!open_.empty()) grow(open_.back(), done.size, done.height, tree_.at(done.node));
  }

  Anchor& anchor_slot(YAML::anchor_t anchor) {
    if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
    return anchors_[anchor];
  }

  void name_anchor(YAML::anchor_t anchor, std::uint32_t node, std::uint64_t size,
                   std::size_t height) {
    if (anchor != 0) anchor_slot(anchor) = {node, size, height, false};
  }

  // ---- Problems ----

  [[noreturn]] void stop(const Span& span, std::string reason) {
    diagnostics_.error(19, span, std::move(reason));
    throw Stop{};
  }

  [[noreturn]] void stop_depth(const Span& span) {
    stop(span, "nested too deeply; the limit is " + std::to_string(kMaxDepth) + " levels");
  }

  void check_tag(const YamlNode& node, const std::string& tag,
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

  void check_keys(const YamlNode& map) {
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

  void check_merge(const YamlNode& value, const YamlNode& key) {
    bool good = value.kind == NodeKind::kMap;
    if (value.kind == NodeKind::kList) {
      good = true;
      for (const YamlNode* item : tree_.items(value)) good = good && item->kind == NodeKind::kMap;
    }
    if (good) return;
    diagnostics_.error(19, key.span(), "`<<` merges mappings, and this is none",
                       "write `<<: *anchor`, or a list of such aliases");
  }

  std::string_view text_;
  Diagnostics& diagnostics_;
  YamlTree tree_;
  std::vector<Open> open_;
  std::vector<Anchor> anchors_;
  std::unordered_map<std::string, std::size_t> anchor_lines_;
};

namespace {

void report_second(std::string_view text, std::size_t offset, Diagnostics& diagnostics) {
  const std::string_view here = text.substr(std::min(offset, text.size()), 3);
  if (here == "---" || here == "...") {
    diagnostics.error(0, span_at(text, offset, 3), "a second YAML document begins here",
                      "one file describes the whole network; keep one document");
  } else {
    diagnostics.error(0, span_at(text, offset), "this does not belong to anything above it",
                      "compare its indentation with the lines above");
  }
}

void report_empty(Diagnostics& diagnostics) {
  diagnostics.error(0, Span{}, "the file is empty", "`arctic init` writes one to start from");
}

// False if the text holds no document or the builder has to be thrown away.
bool run(std::string_view text, TreeBuilder& builder, Diagnostics& diagnostics) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      report_empty(diagnostics);
      return false;
    }
    SecondDocumentHandler second;
    parser.HandleNextDocument(second);
    return true;
  } catch (const Stop&) {
  } catch (const SecondDocument& second) {
    report_second(text, second.offset, diagnostics);
  } catch (const YAML::Exception& e) {
    report_yaml_error(e.msg, text, static_cast<std::size_t>(std::max(e.mark.pos, 0)), diagnostics);
  }
  return false;
}

}  // namespace

std::optional<YamlTree> parse_tree(std::string_view text, Diagnostics& diagnostics) {
  if (!check_text(text, diagnostics)) return std::nullopt;
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  TreeBuilder builder(text, diagnostics);
  if (!run(text, builder, diagnostics)) return std::nullopt;
  YamlTree tree = builder.take();
  if (tree.root().kind == NodeKind::kNull) {
    report_empty(diagnostics);
    return std::nullopt;
  }
  return tree;
}

}  // namespace arctic
