// Problems of a configuration text in a form that tests compare: level, rule, underlined text,
// reason.
#pragma once

#include <string>
#include <vector>

#include "compiler/load.h"

namespace arctic::test {

using Problems = std::vector<std::string>;

/// "version: v1", peers syd (192.0.2.10) and lon (198.51.100.20) with keys, and "services:".
[[nodiscard]] inline std::string two_peers() {
  return "version: v1\n"
         "peers:\n"
         "  - {name: syd, address: 192.0.2.10, parent_interface: eth1,\n"
         "     public_key: \"jRFn8HbMmxxJQGAWbuWUtJa0dLqBlsqb5TvkOiB/jEs=\"}\n"
         "  - {name: lon, address: 198.51.100.20,\n"
         "     public_key: \"Q+Rz7MGlPJYvWSGRPnNd3hcyKvE1ZLIjFVcWcTmEVAY=\"}\n"
         "services:\n";
}

/// "error 13 at `100`: reason" for each problem of the rules first to last, in order of place.
[[nodiscard]] inline Problems problems_of(const std::string& text, int first = 13, int last = 17) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  Diagnostics diagnostics;
  (void)load(text, diagnostics);
  Problems out;
  for (const Diagnostic& problem : diagnostics.all()) {
    if (problem.rule < first || problem.rule > last) continue;
    const char* level = problem.severity == Severity::kError     ? "error "
                        : problem.severity == Severity::kWarning ? "warning "
                                                                 : "note ";
    std::string under = "nothing";
    if (problem.span.line > 0) {
      under = "`" +
              lines[problem.span.line - 1].substr(problem.span.column - 1, problem.span.length) +
              "`";
    }
    out.push_back(level + std::to_string(problem.rule) + " at " + under + ": " + problem.reason);
  }
  return out;
}

}  // namespace arctic::test
