#include "schema/artifact/sysctl_record.h"

#include "schema/artifact/fields.h"

namespace arctic {

std::string encode(const SysctlRecords& records) {
  nlohmann::ordered_json list = nlohmann::ordered_json::object();
  for (const auto& [path, record] : records) {
    nlohmann::ordered_json entry = {{"before", record.before}, {"ours", record.ours}};
    if (record.previous) entry["previous"] = *record.previous;
    list[path] = std::move(entry);
  }
  return json_text({{"format_version", 1}, {"sysctls", std::move(list)}});
}

Result<SysctlRecords> decode_sysctl_records(std::string_view json) {
  const nlohmann::json document = parse_strict(json, 8);
  if (document.is_discarded()) return fail(ErrorCode::kConfig, {}, "is not JSON");
  Fields top(document, "");
  if (top.number("format_version") != 1) top.problem("format_version", "must be 1");
  const nlohmann::json& list = top.value("sysctls");
  if (!list.is_object()) top.problem("sysctls", "must be an object");
  ARCTIC_CHECK(top.finish());
  SysctlRecords records;
  for (const auto& item : list.items()) {
    const std::string where = json_pointer("/sysctls", item.key());
    // The path is written to as root: nothing but a place below /proc/sys/net is ours.
    if (item.key().rfind("net/", 0) != 0 || item.key().find("..") != std::string::npos) {
      return fail(ErrorCode::kConfig, {}, "is no parameter below net/", {}, where);
    }
    Fields fields(item.value(), where);
    SysctlRecord record{fields.text("before"), fields.text("ours"), std::nullopt};
    if (fields.has("previous")) record.previous = fields.text("previous");
    ARCTIC_CHECK(fields.finish());
    records.emplace(item.key(), std::move(record));
  }
  return records;
}

}  // namespace arctic
