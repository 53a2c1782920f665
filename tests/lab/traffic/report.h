// What a run of the traffic tool came to: counts, times, and one line of JSON at the end.
//
// Client and server each keep one. Whatever is not as it should be is counted by kind here, and
// makes the exit code.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/lab/traffic/talk.h"

namespace arctic::traffic {

class Report {
 public:
  std::uint64_t opened = 0;
  std::uint64_t done = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;

  void fail(End end) { ++failed_[to_string(end)]; }
  void fail(const std::string& kind) { ++failed_[kind]; }
  void add_corrupt() { ++corrupt_; }
  void add_time(std::chrono::nanoseconds took) {
    times_.push_back(static_cast<std::uint32_t>(took.count() / 100));
  }
  /// A further number or text of the result.
  void set(const std::string& name, double value) { numbers_[name] = value; }
  void set(const std::string& name, const std::string& value) { texts_[name] = value; }
  void set(const std::string& name, std::vector<std::vector<std::uint32_t>> value) {
    tables_[name] = std::move(value);
  }

  [[nodiscard]] bool good() const { return failed_.empty() && corrupt_ == 0; }
  /// One line. Sorts the times for it.
  [[nodiscard]] std::string to_json();

 private:
  [[nodiscard]] double percentile(double part) const;

  std::map<std::string, std::uint64_t> failed_;
  std::uint64_t corrupt_ = 0;
  std::vector<std::uint32_t> times_;  ///< in tenths of a microsecond
  std::map<std::string, double> numbers_;
  std::map<std::string, std::string> texts_;
  std::map<std::string, std::vector<std::vector<std::uint32_t>>> tables_;
};

}  // namespace arctic::traffic
