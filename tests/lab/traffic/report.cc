#include "tests/lab/traffic/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace arctic::traffic {

double Report::percentile(double part) const {
  const auto last = static_cast<double>(times_.size() - 1);
  return times_[static_cast<std::size_t>(last * part)] / 10.0;
}

std::string Report::to_json() {
  nlohmann::ordered_json out = {{"opened", opened},     {"done", done},
                                {"failed", failed_},    {"corrupt", corrupt_},
                                {"bytes_up", bytes_up}, {"bytes_down", bytes_down}};
  if (!times_.empty()) {
    std::sort(times_.begin(), times_.end());
    out["p50_us"] = percentile(0.50);
    out["p99_us"] = percentile(0.99);
    out["max_us"] = percentile(1);
  }
  for (const auto& [name, value] : numbers_) out[name] = value;
  for (const auto& [name, value] : texts_) out[name] = value;
  for (const auto& [name, value] : tables_) out[name] = value;
  return out.dump();
}

}  // namespace arctic::traffic
