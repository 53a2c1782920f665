// What the benchmarks share: a clock, medians, a table on the terminal, and bounds that are kept.
//
// A benchmark prints its numbers beside what they are compared with, measured in the same run, and
// ends with status 1 if one of its bounds is missed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace arctic::bench {

/// Wall time of one call in seconds.
template <class Function>
double seconds(Function&& function) {
  const auto start = std::chrono::steady_clock::now();
  std::forward<Function>(function)();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// REQUIRES: not empty.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// "12.3 ms", "1.24 s".
inline std::string duration_text(double seconds) {
  char text[32];
  if (seconds < 0.9995e-3) {
    std::snprintf(text, sizeof text, "%.0f us", seconds * 1e6);
  } else if (seconds < 0.9995) {
    std::snprintf(text, sizeof text, "%.1f ms", seconds * 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.2f s", seconds);
  }
  return text;
}

/// Bounds as they are checked: each is printed, and remembered if it is missed.
class Bounds {
 public:
  /// `value` must not be over `limit`.
  void at_most(const std::string& what, double value, double limit, const char* unit) {
    report(what, value, limit, unit, "at most", value <= limit);
  }
  void at_least(const std::string& what, double value, double limit, const char* unit) {
    report(what, value, limit, unit, "at least", value >= limit);
  }
  [[nodiscard]] int exit_status() const { return missed_ == 0 ? 0 : 1; }

 private:
  void report(const std::string& what, double value, double limit, const char* unit,
              const char* relation, bool kept) {
    std::printf("  %-6s %-58s %9.2f %-3s %s %.2f\n", kept ? "kept" : "MISSED", what.c_str(), value,
                unit, relation, limit);
    if (!kept) ++missed_;
  }

  int missed_ = 0;
};

}  // namespace arctic::bench
