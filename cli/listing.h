// How things of the file are shown: -o table, json or yaml.
//
// Shared by services, routes and peers. Takes plain data; knows nothing of what it means.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace arctic::cli {

/// -o's value.
struct Output {
  std::string format = "table";
};
/// `-o json` makes the session one of --json, so that problems are shown as JSON too.
void add_output(CLI::App& app, Output& output, Session& session);

struct Table {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;

  /// Columns two spaces apart, nothing behind the last one.
  [[nodiscard]] std::string text() const;
};

/// Prints the table, or the data as JSON or YAML.
void print_listing(const Session& session, const Output& output, const Table& table,
                   const nlohmann::ordered_json& data);

/// Block YAML; texts are quoted wherever a reader could take them for something else.
[[nodiscard]] std::string yaml_text(const nlohmann::ordered_json& data);

/// Characters, not bytes.
[[nodiscard]] std::size_t width_of(std::string_view text);
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

}  // namespace arctic::cli
