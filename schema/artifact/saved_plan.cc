#include "schema/artifact/saved_plan.h"

#include "schema/artifact/fields.h"

namespace arctic {
namespace {

constexpr std::string_view kKind = "arctic-plan";

}  // namespace

std::string encode(const SavedPlan& plan) {
  return json_text({{"kind", kKind},
                    {"format_version", 1},
                    {"node", plan.node},
                    {"generation", plan.generation},
                    {"target_generation", plan.target_generation},
                    {"state_digest", plan.state_digest},
                    {"source", plan.source_text}});
}

Result<SavedPlan> decode_saved_plan(std::string_view json) {
  static constexpr std::size_t kMaxBytes = 128U << 20;
  if (json.size() > kMaxBytes) return fail(ErrorCode::kConfig, {}, "is over 128 MiB");
  const nlohmann::json document = parse_strict(json, 4);
  if (document.is_discarded()) {
    return fail(ErrorCode::kConfig, {}, "is not JSON", "write it again with `arctic plan --out`");
  }
  Fields top(document, "");
  if (top.text("kind") != kKind) top.problem("kind", "must be \"arctic-plan\"");
  if (top.number("format_version") != 1) {
    top.problem("format_version", "must be 1; another version of arctic wrote this plan");
  }
  SavedPlan plan;
  plan.node = top.text("node");
  plan.generation = top.text("generation");
  plan.target_generation = top.text("target_generation");
  plan.state_digest = top.text("state_digest");
  plan.source_text = top.text("source");
  if (plan.node.empty()) top.problem("node", "is empty");
  ARCTIC_CHECK(top.finish());
  return plan;
}

bool looks_like_saved_plan(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || text[start] != '{') return false;
  return text.substr(start, 256).find("\"arctic-plan\"") != std::string_view::npos;
}

}  // namespace arctic
