// Where in the source the text of a scalar stands.
//
// The YAML library tells where a scalar begins, anchors and tags included, and what it reads as;
// the tree builder asks here for the run of source to underline. Works in time linear in the
// scalar's own source: a line may be megabytes long.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace arctic {

struct ScalarPlace {
  std::size_t skip = 0;    ///< bytes of anchors and tags before the text, on the same line
  std::size_t length = 1;  ///< bytes on that line, quotes included
  bool closed = true;      ///< false: a quote that the file does not close
  std::optional<std::string_view> source;  ///< the value, if it stands in the source unchanged
};

/// `offset` is the library's mark for a scalar that reads as `value`.
[[nodiscard]] ScalarPlace place_scalar(std::string_view text, std::size_t offset,
                                       std::string_view value);

/// The length of `~` or `null` at `offset`, 0 if the value is simply missing.
[[nodiscard]] std::size_t null_length(std::string_view text, std::size_t offset);

}  // namespace arctic
