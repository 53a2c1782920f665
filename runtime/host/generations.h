// The folders below generations/: the source file and the artifacts of each apply, SEQ-HASH.
//
// Written by apply before it changes anything, read by whoever wants to go back. A folder whose
// apply was not done is removed by a later one.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/host/apply.h"

namespace arctic {

inline constexpr std::size_t kKeptGenerations = 10;
inline constexpr const char* kSourceName = "arctic.yaml";  ///< of the source file in the folder

struct GenerationName {
  std::uint64_t sequence = 0;
  std::string generation;

  friend bool operator==(const GenerationName&, const GenerationName&) = default;
  [[nodiscard]] std::string folder() const;  ///< with the whole path
};

/// "12-4f2c0a9b8d7e"; nullopt for any other name.
[[nodiscard]] std::optional<GenerationName> parse_generation_name(std::string_view name);

/// Sorted by sequence; what is no generation is left out.
[[nodiscard]] Result<std::vector<GenerationName>> list_generations(Host& host);
/// Names in the folder of generations that are none.
[[nodiscard]] Result<std::vector<std::string>> foreign_generations(Host& host);

[[nodiscard]] Status write_generation(Host& host, const GenerationName& name, const Target& target);

/// Removes those of `failed` applies and all but the last kKeptGenerations; never the newest one
/// whose hash is `current`.
[[nodiscard]] Status prune_generations(Host& host, const std::set<std::uint64_t>& failed,
                                       const std::string& current);

}  // namespace arctic
