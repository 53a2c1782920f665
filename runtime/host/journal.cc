#include "runtime/host/journal.h"

#include <utility>

#include "runtime/host/apply.h"

namespace arctic {
namespace {

constexpr std::size_t kLongText = 256U << 10;
constexpr std::uint64_t kKeptApplies = 50;

std::uint64_t sequence_of(const JournalEntry& entry) {
  return std::visit([](const auto& value) { return value.sequence; }, entry);
}

void take(History& history, const JournalEntry& entry) {
  const std::uint64_t sequence = sequence_of(entry);
  history.sequence = std::max(history.sequence, sequence);
  if (std::holds_alternative<JournalStart>(entry)) {
    history.failed.insert(sequence);
    history.interrupted = true;
  }
  if (const auto* end = std::get_if<JournalEnd>(&entry)) {
    if (end->result == ApplyResult::kDone) {
      history.failed.erase(sequence);
    } else {
      history.failed.insert(sequence);
    }
    history.interrupted = end->result == ApplyResult::kPartly;
    history.last = *end;
  }
}

}  // namespace

Result<History> read_history(Host& host) {
  ARCTIC_TRY(const auto text, host.read_file(kJournalPath));
  History history;
  history.missing = !text;
  if (!text) return history;
  const JournalText journal = decode_journal(*text);
  history.damaged = journal.damaged;
  history.torn = journal.torn;
  history.long_text = text->size() > kLongText;
  for (const JournalEntry& entry : journal.entries) take(history, entry);
  return history;
}

Status tidy_journal(Host& host, const History& history) {
  if (!history.torn && !history.long_text) return {};
  ARCTIC_TRY(const auto text, host.read_file(kJournalPath));
  const JournalText journal = decode_journal(text.value_or(""));
  std::string kept;
  for (const JournalEntry& entry : journal.entries) {
    const bool recent = sequence_of(entry) + kKeptApplies > history.sequence;
    const auto* const end = std::get_if<JournalEnd>(&entry);
    if (recent || (end != nullptr && history.last && *end == *history.last)) kept += encode(entry);
  }
  return host.write_file(kJournalPath, kept, 0600);
}

Status write_entry(Host& host, const JournalEntry& entry) {
  return host.append_file(kJournalPath, encode(entry));
}

}  // namespace arctic
