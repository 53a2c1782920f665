// What each runtime says of its process: the first part of every answer to `status`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace arctic {

struct ProcessStatus {
  struct Generations {
    std::optional<std::string> current;                ///< absent: started from disk
    std::optional<std::string> prepared;               ///< absent: none
    std::vector<std::optional<std::string>> draining;  ///< absent: was started from disk
    friend bool operator==(const Generations&, const Generations&) = default;
  };
  Generations generations;
  std::string digest;  ///< of the current configuration, 64 hex digits
  std::uint64_t uptime_s = 0;
  double cpu_s = 0;
  std::uint64_t memory_bytes = 0;  ///< resident
  std::uint64_t descriptors_open = 0;
  std::uint64_t descriptors_limit = 0;
  friend bool operator==(const ProcessStatus&, const ProcessStatus&) = default;
};

}  // namespace arctic
