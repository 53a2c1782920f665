#include "cli/listing.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/plan_view.h"

namespace arctic::cli {

namespace {

using Json = nlohmann::ordered_json;

// Plain only if it starts with a letter, has nothing but harmless characters, and is no word that
// YAML 1.1 or 1.2 reads as something else.
bool plain_is_safe(const std::string& text) {
  static constexpr std::string_view kHarmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
  static constexpr std::string_view kWords[] = {"true", "false", "yes", "no", "on",
                                                "off",  "null",  "y",   "n",  "nan"};
  if (text.empty() || text.find_first_not_of(kHarmless) != std::string::npos) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (lower(text[0]) < 'a' || lower(text[0]) > 'z') return false;
  std::string folded(text);
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  return std::find(std::begin(kWords), std::end(kWords), folded) == std::end(kWords);
}

std::string scalar_text(const Json& value) {
  if (value.is_string() && plain_is_safe(value.get_ref<const std::string&>())) {
    return value.get<std::string>();
  }
  // A JSON string is a double-quoted YAML scalar.
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_leaf(const Json& value) { return !value.is_structured() || value.empty(); }

void write_yaml(const Json& value, std::size_t indent, bool after_dash, std::string& out) {
  bool first = after_dash;
  const auto start_line = [&] {
    if (!first) out.append(indent, ' ');
    first = false;
  };
  if (is_leaf(value)) {
    start_line();
    out += scalar_text(value) + "\n";
    return;
  }
  if (value.is_array()) {
    for (const Json& item : value) {
      start_line();
      out += "- ";
      write_yaml(item, indent + 2, true, out);
    }
    return;
  }
  for (const auto& [key, item] : value.items()) {
    start_line();
    out += key;
    if (is_leaf(item)) {
      out += ": " + scalar_text(item) + "\n";
      continue;
    }
    out += ":\n";
    write_yaml(item, indent + 2, false, out);
  }
}

}  // namespace

void add_output(CLI::App& app, Output& output, Session& session) {
  app.add_option("-o,--output", output.format, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->type_name("FORMAT")
      ->each([&session](const std::string& format) {
        session.json = session.json || format == "json";
      })
      ->capture_default_str();
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t has = width_of(text);
  return std::string(text) + std::string(has < width ? width - has : 0, ' ');
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& title : titles) widths.push_back(width_of(title));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  const auto write_row = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += padded(row[i], widths[i]) + "  ";
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  write_row(titles);
  for (const auto& row : rows) write_row(row);
  return out;
}

void print_listing(const Session& session, const Output& output, const Table& table,
                   const nlohmann::ordered_json& data) {
  if (session.json) {
    session.report.out(json_text(data));
  } else if (output.format == "yaml") {
    session.report.out(yaml_text(data));
  } else {
    session.report.out(table.text());
  }
}

std::string yaml_text(const nlohmann::ordered_json& data) {
  std::string out;
  write_yaml(data, 0, false, out);
  return out;
}

}  // namespace arctic::cli
