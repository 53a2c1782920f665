// The history of applies on this node: what is in force, and whether the last apply ended.
//
// Called by plan and apply. The journal informs, it does not decide what to change: that always
// comes from what is observed, so a lost or damaged journal stops nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "runtime/host/host.h"
#include "schema/artifact/journal.h"

namespace arctic {

struct History {
  bool missing = false;            ///< there is no journal
  std::optional<JournalEnd> last;  ///< the last end: what is in force, as far as is known
  bool interrupted = false;        ///< an apply began after it, or the last one was undone partly
  std::uint64_t sequence = 0;      ///< the highest seen
  std::set<std::uint64_t> failed;  ///< applies that began and were not done
  std::size_t damaged = 0;         ///< lines that could not be read
  bool torn = false;
  bool long_text = false;  ///< time to cut it
};

[[nodiscard]] Result<History> read_history(Host& host);

/// Makes the journal ready for a new apply: without a torn line, and cut to the last applies if it
/// is long. Writes nothing if neither is the case.
[[nodiscard]] Status tidy_journal(Host& host, const History& history);

[[nodiscard]] Status write_entry(Host& host, const JournalEntry& entry);

}  // namespace arctic
