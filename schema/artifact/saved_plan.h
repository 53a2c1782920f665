// The file of `plan --out`: which change was looked at, so that `apply` makes that one or none.
//
// It carries the configuration's text, which apply compiles again, and what the node was then.
// Encode and decode stand side by side; the decoder takes hostile bytes.
#pragma once

#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace arctic {

struct SavedPlan {
  std::string node;
  std::string source_text;        ///< the configuration file
  std::string generation;         ///< of the node then; empty for none
  std::string target_generation;  ///< that the source text gives for the node
  std::string state_digest;       ///< of the node's state then

  friend bool operator==(const SavedPlan&, const SavedPlan&) = default;
};

[[nodiscard]] std::string encode(const SavedPlan& plan);
/// kConfig for anything that encode() does not write; `where` is a JSON pointer.
[[nodiscard]] Result<SavedPlan> decode_saved_plan(std::string_view json);
/// True if the text is meant as a saved plan (and not as a configuration file), valid or not.
[[nodiscard]] bool looks_like_saved_plan(std::string_view text);

}  // namespace arctic
