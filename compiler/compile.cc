#include "compiler/compile.h"

#include <utility>

#include "schema/base/hash.h"

namespace arctic {
namespace {

constexpr std::size_t kGenerationDigits = 12;

void append_file(std::string& all, const char* name, const std::string& content) {
  all += name;
  all += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) {
    all += static_cast<char>(static_cast<std::uint8_t>(content.size() >> shift));
  }
  all += content;
}

}  // namespace

std::string Artifacts::generation() const {
  std::string all;
  append_file(all, "plan.json", plan_json);
  append_file(all, "pegasus.json", pegasus_json);
  append_file(all, "tempest.json", tempest_json);
  append_file(all, "host.json", host_json);
  return hex(blake2b_256(all)).substr(0, kGenerationDigits);
}

Compiled compile(const Config& config, const std::string& node) {
  Compiled compiled;
  compiled.node = node;
  compiled.numbers = allocate(config);
  compiled.plan = order(config, node);
  compiled.pegasus = lower_pegasus(config, compiled.numbers, node);
  compiled.tempest = lower_tempest(config, node);
  compiled.desired = lower(config, compiled.numbers, compiled.plan);

  Artifacts& artifacts = compiled.artifacts;
  artifacts.plan_json = emit_plan(config, compiled.numbers, compiled.plan);
  artifacts.ruleset_nft = emit_ruleset(compiled.desired);
  artifacts.host_json = emit_host(compiled.desired);
  artifacts.pegasus_json = encode(compiled.pegasus);
  artifacts.tempest_json = encode(compiled.tempest);

  compiled.desired.files[kPegasusConfigPath] = {artifacts.pegasus_json, {}};
  compiled.desired.files[kTempestConfigPath] = {artifacts.tempest_json, {}};
  return compiled;
}

}  // namespace arctic
