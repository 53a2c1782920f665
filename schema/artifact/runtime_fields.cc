#include "schema/artifact/runtime_fields.h"

#include <algorithm>
#include <charconv>

namespace arctic {
namespace {

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxHost = 253;
constexpr std::size_t kMaxPath = 4095;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_printable(char c) { return c > ' ' && c < 0x7f; }

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHost &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_printable(c) && c != '[' && c != ']' && c != '/'; });
}

}  // namespace

Result<nlohmann::json> parse_runtime_config(std::string_view text, const char* file) {
  if (text.size() > kMaxRuntimeConfigBytes) {
    return fail(ErrorCode::kConfig, file, "is larger than 64 MiB",
                "`arctic compile` writes a new one");
  }
  std::string why;
  nlohmann::json json = parse_strict(text, kMaxRuntimeConfigDepth, &why);
  if (json.is_discarded()) {
    return fail(ErrorCode::kConfig, file, why, "`arctic compile` writes a new one");
  }
  return json;
}

std::uint64_t read_number(Fields& fields, const char* key, std::uint64_t least,
                          std::uint64_t most) {
  const std::uint64_t value = fields.number(key);
  if (value >= least && value <= most) return value;
  fields.problem(
      key, least == most ? "must be " + std::to_string(least)
                         : "must be from " + std::to_string(least) + " to " + std::to_string(most));
  return least;
}

std::uint16_t read_port(Fields& fields, const char* key) {
  return static_cast<std::uint16_t>(read_number(fields, key, 1, 65535));
}

bool read_boolean(Fields& fields, const char* key) {
  const nlohmann::json& value = fields.value(key);
  if (value.is_boolean()) return value.get<bool>();
  fields.problem(key, "must be true or false");
  return false;
}

std::string read_name(Fields& fields, const char* key) {
  std::string text = fields.text(key);
  if (!is_name(text)) {
    fields.problem(key,
                   "must be 1 to 63 letters, digits, '-', '_' or '.', the first a letter or digit");
  }
  return text;
}

std::string read_path(Fields& fields, const char* key) {
  std::string text = fields.text(key);
  const bool clean = text.find('\0') == std::string::npos;
  if (text.empty() || text.front() != '/' || text.size() > kMaxPath || !clean) {
    fields.problem(key, "must be an absolute path");
  }
  return text;
}

PublicKey read_key(Fields& fields, const char* key) {
  const std::optional<PublicKey> value = parse_public_key(fields.text(key));
  if (value && !is_low_order(*value)) return *value;
  fields.problem(key, "must be a public key, 44 characters of base64 as `wg pubkey` prints them");
  return {};
}

std::optional<PublicKey> read_key_or_null(Fields& fields, const char* key) {
  if (fields.has(key) && fields.value(key).is_null()) return std::nullopt;
  return read_key(fields, key);
}

std::optional<Endpoint> read_endpoint_or_null(Fields& fields, const char* key) {
  if (fields.has(key) && fields.value(key).is_null()) return std::nullopt;
  std::optional<Endpoint> endpoint = parse_endpoint(fields.text(key));
  if (!endpoint) fields.problem(key, "must be host:port or [IPv6]:port, or null");
  return endpoint;
}

std::optional<Prefix> read_prefix_or_null(Fields& fields, const char* key) {
  if (fields.has(key) && fields.value(key).is_null()) return std::nullopt;
  const std::optional<Prefix> prefix = parse_prefix(fields.text(key));
  if (!prefix) fields.problem(key, "must be a network such as 10.0.0.0/8, or null");
  return prefix;
}

std::string item_pointer(std::string_view list, std::size_t index) {
  return std::string(list) + '/' + std::to_string(index);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  Endpoint endpoint;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || endpoint.port == 0) {
    return std::nullopt;
  }
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  endpoint.host = host;
  // Brackets are for IPv6 and needed there, so that there is one way to write an endpoint.
  const bool v6 = host.find(':') != std::string_view::npos;
  const std::optional<Address> address = parse_address(host);
  if (v6 != bracketed || (v6 && !address) || !is_host(host)) return std::nullopt;
  return endpoint;
}

void write_endpoint(JsonWriter& json, std::string_view key, const std::optional<Endpoint>& value) {
  json.field_or_null(key, value ? value->to_string() : "");
}

}  // namespace arctic
