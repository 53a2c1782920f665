// The journal of a node: one JSON object a line, for every apply when it starts, before each phase,
// and when it ends.
//
// Written and read by runtime/host/journal. The last line may be torn by a crash; lines that cannot
// be read are counted and left out, because a damaged journal must not stop a repair.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace arctic {

/// No node comes so far: a higher number is damage, and adding to it could begin again at nothing.
inline constexpr std::uint64_t kHighestSequence = std::uint64_t{1} << 53;

struct JournalStart {
  std::uint64_t sequence = 0;
  std::int64_t time = 0;  ///< seconds since 1970
  std::string who;
  std::string node;
  std::string from;  ///< generation, empty for none
  std::string to;
  std::uint64_t changes = 0;

  friend bool operator==(const JournalStart&, const JournalStart&) = default;
};

/// Written before the first step of the phase.
struct JournalPhase {
  std::uint64_t sequence = 0;
  std::string phase;               ///< "prepare", "commit", "files", "retire", "undo"
  std::vector<std::string> steps;  ///< what is about to be done, in order; long lists are cut

  friend bool operator==(const JournalPhase&, const JournalPhase&) = default;
};

enum class ApplyResult : std::uint8_t { kDone, kUndone, kPartly };

/// node, generation and services are those in force from now on, whatever the result.
struct JournalEnd {
  std::uint64_t sequence = 0;
  std::int64_t time = 0;
  ApplyResult result = ApplyResult::kDone;
  std::string node;
  std::string generation;
  std::uint64_t services = 0;
  std::string error;  ///< empty for kDone

  friend bool operator==(const JournalEnd&, const JournalEnd&) = default;
};

using JournalEntry = std::variant<JournalStart, JournalPhase, JournalEnd>;

struct JournalText {
  std::vector<JournalEntry> entries;
  std::size_t damaged = 0;  ///< lines that cannot be read, a torn last one aside
  bool torn = false;        ///< the last line has no end
};

/// One line, ended by a newline.
[[nodiscard]] std::string encode(const JournalEntry& entry);
[[nodiscard]] JournalText decode_journal(std::string_view text);

}  // namespace arctic
