// What pegasus.json and tempest.json have in common: the node's own part, and the strict reading of
// the values in both.
//
// Used by the two encoders and decoders beside it; included by .cc files only. Reading reports the
// first problem to the Fields it reads from, and never throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/artifact/fields.h"
#include "schema/artifact/json_writer.h"
#include "schema/base/address.h"
#include "schema/base/key.h"
#include "schema/base/result.h"
#include "schema/config.h"

namespace arctic {

inline constexpr std::size_t kMaxRuntimeConfigBytes = 64U << 20;
inline constexpr int kMaxRuntimeConfigDepth = 16;
inline constexpr std::int64_t kRuntimeConfigVersion = 1;

/// The whole file as one JSON value. `file`: "pegasus.json", for the message.
[[nodiscard]] Result<nlohmann::json> parse_runtime_config(std::string_view text, const char* file);

// ---- Values; each adds a problem to `fields` and returns something harmless if it is wrong
// --------

[[nodiscard]] std::uint64_t read_number(Fields& fields, const char* key, std::uint64_t least,
                                        std::uint64_t most);
[[nodiscard]] std::uint16_t read_port(Fields& fields, const char* key);
[[nodiscard]] bool read_boolean(Fields& fields, const char* key);
/// A name of a peer or service.
[[nodiscard]] std::string read_name(Fields& fields, const char* key);
[[nodiscard]] PublicKey read_key(Fields& fields, const char* key);
[[nodiscard]] std::optional<PublicKey> read_key_or_null(Fields& fields, const char* key);
[[nodiscard]] std::optional<Endpoint> read_endpoint_or_null(Fields& fields, const char* key);
[[nodiscard]] std::optional<Prefix> read_prefix_or_null(Fields& fields, const char* key);

[[nodiscard]] std::string read_path(Fields& fields, const char* key);

/// One of `values` by its word.
template <class T, std::size_t N>
T read_word(Fields& fields, const char* key, const T (&values)[N]) {
  const std::string text = fields.text(key);
  std::string words;
  for (const T value : values) {
    if (text == to_string(value)) return value;
    words += words.empty() ? to_string(value) : std::string(" or ") + to_string(value);
  }
  fields.problem(key, "must be " + words);
  return values[0];
}

/// "/list/3".
[[nodiscard]] std::string item_pointer(std::string_view list, std::size_t index);

/// The items of a list, each read by `read(item, pointer)` into a T.
template <class T, class Read>
Result<std::vector<T>> read_list(const nlohmann::json& list, const std::string& where, Read read) {
  std::vector<T> values;
  if (!list.is_array()) return fail(ErrorCode::kConfig, {}, "must be a list", {}, where);
  values.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    ARCTIC_TRY(T value, read(list[i], item_pointer(where, i)));
    values.push_back(std::move(value));
  }
  return values;
}

/// "host:port" or "[v6]:port", as Endpoint::to_string prints it; nullopt for anything else.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

void write_endpoint(JsonWriter& json, std::string_view key, const std::optional<Endpoint>& value);

/// The node's own part, which is first in both files.
template <class RuntimeConfig>
void write_node(JsonWriter& json, const RuntimeConfig& config) {
  json.field("version", kRuntimeConfigVersion);
  json.field("node", config.node);
  json.field_or_null("public_key", config.public_key ? config.public_key->to_string() : "");
  json.field("private_key_file", config.private_key_file);
  json.field("listen_port", std::int64_t{config.listen_port});
  json.field("own_mark", std::int64_t{config.own_mark});
  write_endpoint(json, "metrics", config.metrics);
}

template <class RuntimeConfig>
void read_node(Fields& fields, RuntimeConfig& config) {
  (void)read_number(fields, "version", kRuntimeConfigVersion, kRuntimeConfigVersion);
  config.node = read_name(fields, "node");
  config.public_key = read_key_or_null(fields, "public_key");
  config.private_key_file = read_path(fields, "private_key_file");
  config.listen_port = read_port(fields, "listen_port");
  config.own_mark = static_cast<std::uint32_t>(read_number(fields, "own_mark", 1, 0xffffffffU));
  config.metrics = read_endpoint_or_null(fields, "metrics");
}

}  // namespace arctic
