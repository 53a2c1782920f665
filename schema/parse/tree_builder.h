// The YAML library's events → YamlTree, with every limit of rule 19 kept on the way.
//
// parse_tree hands it to the library; nobody else includes it. Sizes and heights are counted with
// aliases followed, but nothing is ever expanded.
#pragma once

#include <yaml-cpp/eventhandler.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/parse/tree.h"

namespace arctic {

class TreeBuilder : public YAML::EventHandler {
 public:
  /// Thrown to end the library's parse; what is wrong is in the diagnostics.
  struct Stop {};

  TreeBuilder(std::string_view text, Diagnostics& diagnostics)
      : text_(text), diagnostics_(diagnostics) {
    tree_.nodes_.reserve(text.size() / kBytesPerNode);
  }

  [[nodiscard]] YamlTree take() { return std::move(tree_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override;
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override;

 private:
  struct Anchor {
    std::uint32_t node = YamlNode::kNone;
    std::uint64_t size = 0;  ///< nodes, aliases followed
    std::size_t height = 0;  ///< levels, aliases followed
    bool open = true;        ///< what it names is not complete
  };
  struct Open {
    std::uint32_t node;
    std::uint32_t last = YamlNode::kNone;
    std::uint64_t size = 1;
    std::size_t height = 1;
    YAML::anchor_t anchor = 0;
  };

  /// About what a file of routes has; too few only costs a copy.
  static constexpr std::size_t kBytesPerNode = 12;

  [[nodiscard]] std::size_t offset_of(const YAML::Mark& mark) const;
  void place_null(YamlNode& node, const YAML::Mark& mark, bool anchored) const;

  std::uint32_t add(const YamlNode& node, std::uint64_t size, std::size_t height);
  void grow(Open& parent, std::uint64_t size, std::size_t height, const YamlNode& by);
  void start(const YamlNode& node, const std::string& tag, const char* usual,
             YAML::anchor_t anchor);
  void end();
  Anchor& anchor_slot(YAML::anchor_t anchor);
  void name_anchor(YAML::anchor_t anchor, std::uint32_t node, std::uint64_t size,
                   std::size_t height);

  [[noreturn]] void stop(int rule, const Span& span, std::string reason, std::string help = {});
  [[noreturn]] void stop_depth(const Span& span);
  void check_tag(const YamlNode& node, const std::string& tag,
                 std::initializer_list<std::string_view> allowed);
  void check_keys(const YamlNode& map);
  void check_merge(const YamlNode& value, const YamlNode& key);

  std::string_view text_;
  Diagnostics& diagnostics_;
  YamlTree tree_;
  std::vector<Open> open_;
  std::vector<Anchor> anchors_;  ///< by the library's number
  std::unordered_map<std::string, std::size_t> anchor_lines_;
};

}  // namespace arctic
