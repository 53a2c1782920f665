#include "schema/artifact/journal.h"

#include <optional>

#include "schema/artifact/fields.h"

namespace arctic {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kResults[] = {"done", "undone", "partly"};

ordered_json to_json(const JournalStart& start) {
  return {{"event", "start"}, {"sequence", start.sequence}, {"time", start.time},
          {"who", start.who}, {"node", start.node},         {"from", start.from},
          {"to", start.to},   {"changes", start.changes}};
}

ordered_json to_json(const JournalPhase& phase) {
  return {{"event", "phase"},
          {"sequence", phase.sequence},
          {"phase", phase.phase},
          {"steps", phase.steps}};
}

ordered_json to_json(const JournalEnd& end) {
  return {{"event", "end"},           {"sequence", end.sequence},
          {"time", end.time},         {"result", kResults[static_cast<std::size_t>(end.result)]},
          {"node", end.node},         {"generation", end.generation},
          {"services", end.services}, {"error", end.error}};
}

std::uint64_t read_sequence(Fields& fields) {
  const std::uint64_t sequence = fields.number("sequence");
  if (sequence > kHighestSequence) fields.problem("sequence", "is higher than any node comes");
  return sequence;
}

JournalStart read_start(Fields& fields) {
  JournalStart start;
  start.sequence = read_sequence(fields);
  start.time = fields.signed_number("time");
  start.who = fields.text("who");
  start.node = fields.text("node");
  start.from = fields.text("from");
  start.to = fields.text("to");
  start.changes = fields.number("changes");
  return start;
}

JournalPhase read_phase(Fields& fields) {
  JournalPhase phase;
  phase.sequence = read_sequence(fields);
  phase.phase = fields.text("phase");
  const nlohmann::json& steps = fields.value("steps");
  if (!steps.is_array()) fields.problem("steps", "must be a list");
  for (const auto& step : steps) {
    if (!step.is_string()) {
      fields.problem("steps", "must be a list of texts");
      break;
    }
    phase.steps.push_back(step.get<std::string>());
  }
  return phase;
}

JournalEnd read_end(Fields& fields) {
  JournalEnd end;
  end.sequence = read_sequence(fields);
  end.time = fields.signed_number("time");
  const std::string result = fields.text("result");
  bool known = false;
  for (std::size_t i = 0; i < std::size(kResults); ++i) {
    if (result != kResults[i]) continue;
    end.result = static_cast<ApplyResult>(i);
    known = true;
  }
  if (!known) fields.problem("result", "is not a result");
  end.node = fields.text("node");
  end.generation = fields.text("generation");
  end.services = fields.number("services");
  end.error = fields.text("error");
  return end;
}

std::optional<JournalEntry> decode_line(std::string_view line) {
  const nlohmann::json document = parse_strict(line, 4);
  if (!document.is_object()) return std::nullopt;
  Fields fields(document, "");
  const std::string event = fields.text("event");
  std::optional<JournalEntry> entry;
  if (event == "start") entry = read_start(fields);
  if (event == "phase") entry = read_phase(fields);
  if (event == "end") entry = read_end(fields);
  if (!fields.finish()) return std::nullopt;
  return entry;
}

}  // namespace

std::string encode(const JournalEntry& entry) {
  return json_line(std::visit([](const auto& value) { return to_json(value); }, entry));
}

JournalText decode_journal(std::string_view text) {
  JournalText journal;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      journal.torn = true;
      break;
    }
    if (auto entry = decode_line(text.substr(0, end))) {
      journal.entries.push_back(std::move(*entry));
    } else {
      ++journal.damaged;
    }
    text.remove_prefix(end + 1);
  }
  return journal;
}

}  // namespace arctic
