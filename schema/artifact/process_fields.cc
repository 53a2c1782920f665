#include "schema/artifact/process_fields.h"

namespace arctic {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json optional_text(const std::optional<std::string>& text) {
  return text ? ordered_json(*text) : ordered_json();
}

Result<std::optional<std::string>> read_optional_text(const json& item, const std::string& where) {
  if (item.is_null()) return std::optional<std::string>();
  if (item.is_string()) return std::optional<std::string>(item.get<std::string>());
  return fail(ErrorCode::kConfig, {}, "must be a text or null", {}, where);
}

Result<ProcessStatus::Generations> read_generations(const json& item, const std::string& where) {
  Fields fields(item, where);
  ProcessStatus::Generations generations;
  const json& current = fields.value("current");
  const json& prepared = fields.value("prepared");
  const json& draining = fields.value("draining");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_TRY(generations.current, read_optional_text(current, where + "/current"));
  ARCTIC_TRY(generations.prepared, read_optional_text(prepared, where + "/prepared"));
  ARCTIC_TRY(generations.draining, read_list<std::optional<std::string>>(
                                       draining, where + "/draining", read_optional_text));
  return generations;
}

}  // namespace

void write_process(ordered_json& out, const ProcessStatus& process) {
  ordered_json draining = ordered_json::array();
  for (const auto& each : process.generations.draining) draining.push_back(optional_text(each));
  out["generations"] = {{"current", optional_text(process.generations.current)},
                        {"prepared", optional_text(process.generations.prepared)},
                        {"draining", std::move(draining)}};
  out["digest"] = process.digest;
  out["uptime_s"] = process.uptime_s;
  out["cpu_s"] = process.cpu_s;
  out["memory_bytes"] = process.memory_bytes;
  out["descriptors"] = {{"open", process.descriptors_open}, {"limit", process.descriptors_limit}};
}

Result<ProcessStatus> read_process(Fields& fields, const std::string& where) {
  ProcessStatus process;
  const json& generations = fields.value("generations");
  process.digest = fields.text("digest");
  process.uptime_s = fields.number("uptime_s");
  process.cpu_s = read_real(fields, "cpu_s");
  process.memory_bytes = fields.number("memory_bytes");
  Fields descriptors(fields.value("descriptors"), where + "/descriptors");
  process.descriptors_open = descriptors.number("open");
  process.descriptors_limit = descriptors.number("limit");
  ARCTIC_CHECK(descriptors.finish());
  ARCTIC_TRY(process.generations, read_generations(generations, where + "/generations"));
  return process;
}

}  // namespace arctic
