// Metrics as text, in the exposition format 0.0.4 that Prometheus reads.
//
// The runtimes write their counters into one and hand the text to a TextServer. Pure; does not
// depend on the locale. A family's samples stand together, below one HELP and one TYPE line.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace arctic {

class MetricsText {
 public:
  enum class Type : std::uint8_t { kCounter, kGauge, kHistogram };
  struct Label {
    std::string_view name;
    std::string_view value;  ///< any bytes; escaped
  };
  using Labels = std::vector<Label>;

  /// Begins a family. REQUIRES: a name of [a-zA-Z_:][a-zA-Z0-9_:]*, used once.
  void family(std::string_view name, Type type, std::string_view help);

  /// One sample of the family.
  void sample(const Labels& labels, std::uint64_t value);
  void sample(const Labels& labels, double value);
  /// One histogram of the family. `bounds` rise, in the unit of the name; `counts` are each for
  /// itself, one more than bounds: cumulated here.
  void histogram(const Labels& labels, std::span<const double> bounds,
                 std::span<const std::uint64_t> counts, double sum);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void line(std::string_view suffix, const Labels& labels, std::string_view bound,
            std::string_view value);

  std::string name_;
  std::string text_;
};

}  // namespace arctic
