#include "schema/artifact/json_writer.h"

#include <algorithm>
#include <utility>

namespace arctic {

void JsonWriter::open_object(Layout layout) { open(layout, '{', '}'); }

void JsonWriter::open_array(Layout layout) { open(layout, '[', ']'); }

void JsonWriter::open(Layout layout, char opening, char closing) {
  before_item();
  out_ += opening;
  levels_.push_back({layout, closing});
}

void JsonWriter::close() {
  const Level level = levels_.back();
  levels_.pop_back();
  if (!level.empty && level.layout == Layout::kBlock) new_line();
  out_ += level.closing;
}

void JsonWriter::key(std::string_view key) {
  before_item();
  quoted(key);
  out_ += ": ";
  after_key_ = true;
}

void JsonWriter::text(std::string_view value) {
  before_item();
  quoted(value);
}

void JsonWriter::number(std::int64_t value) {
  before_item();
  out_ += std::to_string(value);
}

void JsonWriter::boolean(bool value) {
  before_item();
  out_ += value ? "true" : "false";
}

void JsonWriter::null() {
  before_item();
  out_ += "null";
}

void JsonWriter::field(std::string_view name, std::string_view value) {
  key(name);
  text(value);
}

void JsonWriter::field(std::string_view name, std::int64_t value) {
  key(name);
  number(value);
}

void JsonWriter::field(std::string_view name, bool value) {
  key(name);
  boolean(value);
}

void JsonWriter::field_or_null(std::string_view name, std::string_view value) {
  key(name);
  if (value.empty()) {
    null();
  } else {
    text(value);
  }
}

std::string JsonWriter::take() {
  out_ += '\n';
  return std::exchange(out_, {});
}

void JsonWriter::before_item() {
  if (std::exchange(after_key_, false) || levels_.empty()) return;
  Level& level = levels_.back();
  const bool first = std::exchange(level.empty, false);
  if (!first) out_ += ',';
  if (level.layout == Layout::kBlock) {
    new_line();
  } else if (!first) {
    out_ += ' ';
  }
}

void JsonWriter::new_line() {
  out_ += '\n';
  out_.append(2 * levels_.size(), ' ');
}

void JsonWriter::quoted(std::string_view value) {
  constexpr const char* kHex = "0123456789abcdef";
  const auto is_plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f && c != '"' && c != '\\';
  };
  out_ += '"';
  if (std::all_of(value.begin(), value.end(), is_plain)) {
    out_ += value;
  } else {
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (is_plain(c)) {
        out_ += c;
      } else {
        out_ += "\\u00";
        out_ += kHex[byte >> 4];
        out_ += kHex[byte & 15U];
      }
    }
  }
  out_ += '"';
}

}  // namespace arctic
