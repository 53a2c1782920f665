#include "schema/artifact/control_fields.h"

namespace arctic {

using nlohmann::json;
using nlohmann::ordered_json;

std::string control_line(const ordered_json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string good_answer(std::string_view id, const ordered_json& result) {
  return "{\"id\":" + std::string(id) + ",\"ok\":true,\"result\":" + control_line(result) + "}";
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json() : ordered_json(text);
}

std::string read_text_or_null(Fields& fields, const char* key) {
  if (fields.has(key) && fields.value(key).is_null()) return {};
  return fields.text(key);
}

double read_real(Fields& fields, const char* key) {
  const json& value = fields.value(key);
  if (value.is_number()) return value.get<double>();
  fields.problem(key, "must be a number");
  return 0;
}

std::uint32_t read_u32(Fields& fields, const char* key) {
  return static_cast<std::uint32_t>(read_number(fields, key, 0, 0xffffffffU));
}

namespace {

Result<ControlError> read_error(const json& item) {
  Fields fields(item, "/error");
  ControlError error;
  const std::string code = fields.text("code");
  bool known = false;
  for (const ControlCode each : kControlCodes) {
    if (code != to_string(each)) continue;
    error.code = each;
    known = true;
  }
  if (!known) fields.problem("code", "is not known");
  error.reason = fields.text("reason");
  error.where = read_text_or_null(fields, "where");
  error.hint = read_text_or_null(fields, "hint");
  ARCTIC_CHECK(fields.finish());
  return error;
}

}  // namespace

Result<ControlAnswer<json>> decode_answer_frame(std::string_view line) {
  const json document = parse_strict(line, kMaxControlDepth);
  if (document.is_discarded()) {
    return fail(ErrorCode::kConfig, {}, "the answer is not JSON, or has a key twice");
  }
  Fields fields(document, "");
  const json& id = fields.value("id");
  if (!id.is_null() && !id.is_string() && !id.is_number_integer()) {
    fields.problem("id", "must be a number, a text or null");
  }
  const bool good = read_boolean(fields, "ok");
  const json& content = fields.value(good ? "result" : "error");
  ARCTIC_CHECK(fields.finish());
  ControlAnswer<json> answer{control_line(ordered_json(id)), content};
  if (good) return answer;
  ARCTIC_TRY(ControlError error, read_error(content));
  answer.outcome = tl::unexpected(std::move(error));
  return answer;
}

}  // namespace arctic
