// Is this text fit to be given to the YAML library at all?
//
// parse_tree asks before anything else. One linear pass: size, UTF-8, control bytes, and crude
// upper bounds on nesting and on the number of values, so that the library, which keeps all tokens
// of an unfinished `[` in memory, cannot be led into gigabytes. Exact limits are kept while
// the tree is built; these here only ever err on the side of letting a text through.
#pragma once

#include <string_view>

#include "schema/base/diagnostic.h"

namespace arctic {

/// False, with one error that says why, if the text must not be parsed.
/// REQUIRES: a byte order mark at the beginning is taken off.
[[nodiscard]] bool check_text(std::string_view text, Diagnostics& diagnostics);

/// The place of a byte of the text; `length` as in Span.
[[nodiscard]] Span span_at(std::string_view text, std::size_t offset, std::size_t length = 1);

}  // namespace arctic
