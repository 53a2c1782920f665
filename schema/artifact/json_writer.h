// JSON written straight into one string, in a layout made for people and for diffs.
//
// The artifacts have up to 100,000 entries, one a line; building a tree of values first would cost
// more than all the rest of a compile. Used by the encoders of this folder and by the compiler's
// emitters. Does not depend on the locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace arctic {

class JsonWriter {
 public:
  enum class Layout : std::uint8_t {
    kBlock,  ///< an item a line, two more spaces of indentation
    kLine,   ///< all on one line: {"a": 1, "b": 2}
  };

  void open_object(Layout layout = Layout::kBlock);
  void open_array(Layout layout = Layout::kBlock);
  void close();  ///< the innermost one

  /// Inside an object, before its value.
  void key(std::string_view key);

  void text(std::string_view value);
  void number(std::int64_t value);
  void boolean(bool value);
  void null();

  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, const char* value) { field(name, std::string_view(value)); }
  void field(std::string_view name, std::int64_t value);
  void field(std::string_view name, bool value);
  /// The text, or null if it is empty.
  void field_or_null(std::string_view name, std::string_view value);

  /// The whole, with a final newline. REQUIRES: everything is closed.
  [[nodiscard]] std::string take();

 private:
  struct Level {
    Layout layout;
    char closing;
    bool empty = true;
  };

  void open(Layout layout, char opening, char closing);
  void before_item();
  void new_line();
  void quoted(std::string_view value);

  std::string out_;
  std::vector<Level> levels_;
  bool after_key_ = false;
};

}  // namespace arctic
