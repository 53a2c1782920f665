#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>

#include "schema/parse/text_check.h"
#include "schema/parse/tree.h"
#include "schema/parse/tree_builder.h"
#include "schema/parse/yaml_error.h"

namespace arctic {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// The text and a line break, without a copy. At the end of a line the library takes an open quote
// for closed, and the builder tells where it began; else the library tells where the file ends.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) { show(text.data(), text.size()); }

 protected:
  int_type underflow() override {
    static constexpr char kBreak = '\n';
    if (done_) return traits_type::eof();
    done_ = true;
    show(&kBreak, 1);
    return traits_type::to_int_type(kBreak);
  }

 private:
  void show(const char* bytes, std::size_t size) {
    char* const begin = const_cast<char*>(bytes);  // the interface wants it; nobody writes
    setg(begin, begin, begin + size);
  }

  bool done_ = false;
};

// Anything that follows the one document that a configuration is.
class SecondDocument : public YAML::EventHandler {
 public:
  struct Found {
    std::size_t offset;
  };

  void OnDocumentStart(const YAML::Mark& mark) override {
    throw Found{static_cast<std::size_t>(std::max(mark.pos, 0))};
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

// False if the text holds no document, or none that can be used.
bool run(std::string_view text, TreeBuilder& builder, Diagnostics& diagnostics) {
  TextBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      report_empty(diagnostics);
      return false;
    }
    SecondDocument second;
    parser.HandleNextDocument(second);
    return true;
  } catch (const TreeBuilder::Stop&) {
  } catch (const SecondDocument::Found& found) {
    report_second(text, found.offset, diagnostics);
  } catch (const YAML::Exception& e) {
    report_yaml_error(e.msg, text, static_cast<std::size_t>(std::max(e.mark.pos, 0)), diagnostics);
  }
  return false;
}

}  // namespace

std::optional<YamlTree> parse_tree(std::string_view text, Diagnostics& diagnostics) {
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (!check_text(text, diagnostics)) return std::nullopt;
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
