#include "runtime/host/generations.h"

#include <algorithm>
#include <charconv>

#include "schema/artifact/journal.h"

namespace arctic {
namespace {

constexpr std::size_t kHashDigits = 12;

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string GenerationName::folder() const {
  return std::string(kGenerationsFolder) + "/" + std::to_string(sequence) + "-" + generation;
}

std::optional<GenerationName> parse_generation_name(std::string_view name) {
  const std::size_t dash = name.find('-');
  if (dash == std::string_view::npos || !is_hash(name.substr(dash + 1))) return std::nullopt;
  GenerationName parsed;
  const char* const end = name.data() + dash;
  const auto [stop, error] = std::from_chars(name.data(), end, parsed.sequence);
  if (error != std::errc() || stop != end || name[0] == '0') return std::nullopt;
  if (parsed.sequence > kHighestSequence) return std::nullopt;
  parsed.generation = name.substr(dash + 1);
  return parsed;
}

Result<std::vector<GenerationName>> list_generations(Host& host) {
  ARCTIC_TRY(const auto names, host.list_folder(kGenerationsFolder));
  std::vector<GenerationName> found;
  for (const std::string& name : names) {
    if (auto parsed = parse_generation_name(name)) found.push_back(std::move(*parsed));
  }
  std::sort(found.begin(), found.end(), [](const GenerationName& a, const GenerationName& b) {
    return a.sequence < b.sequence;
  });
  return found;
}

Result<std::vector<std::string>> foreign_generations(Host& host) {
  ARCTIC_TRY(auto names, host.list_folder(kGenerationsFolder));
  std::erase_if(names, [](const std::string& name) { return parse_generation_name(name); });
  return names;
}

Status write_generation(Host& host, const GenerationName& name, const Target& target) {
  const Artifacts& artifacts = target.artifacts;
  const std::pair<const char*, const std::string*> files[] = {
      {kSourceName, &target.source_text},        {"plan.json", &artifacts.plan_json},
      {"ruleset.nft", &artifacts.ruleset_nft},   {"pegasus.json", &artifacts.pegasus_json},
      {"tempest.json", &artifacts.tempest_json}, {"host.json", &artifacts.host_json}};
  for (const auto& [file, text] : files) {
    ARCTIC_CHECK(host.write_file(name.folder() + "/" + file, *text, 0600));
  }
  return {};
}

Status prune_generations(Host& host, const std::set<std::uint64_t>& failed,
                         const std::string& current) {
  ARCTIC_TRY(const auto all, list_generations(host));
  std::size_t good = 0;
  bool current_seen = false;
  for (auto name = all.rbegin(); name != all.rend(); ++name) {
    const bool bad = failed.count(name->sequence) > 0;
    const bool is_current = !bad && !current_seen && name->generation == current;
    current_seen = current_seen || is_current;
    if (!bad) ++good;
    if (is_current || (!bad && good <= kKeptGenerations)) continue;
    ARCTIC_CHECK(host.remove_folder(name->folder()));
  }
  return {};
}

}  // namespace arctic
