#include "runtime/io/metrics_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace arctic {
namespace {

const char* word(MetricsText::Type type) {
  switch (type) {
    case MetricsText::Type::kCounter:
      return "counter";
    case MetricsText::Type::kGauge:
      return "gauge";
    case MetricsText::Type::kHistogram:
      return "histogram";
  }
  return "untyped";
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> out;
  const auto end = std::to_chars(out.data(), out.data() + out.size(), value).ptr;
  return {out.data(), end};
}

/// HELP escapes backslash and newline, label values the quote too.
void escape(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (quoted && c == '"')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

void add_label(std::string& out, std::string_view name, std::string_view value) {
  out += out.back() == '{' ? "" : ",";
  out += name;
  out += "=\"";
  escape(out, value, true);
  out += '"';
}

}  // namespace

void MetricsText::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  text_ += "# HELP " + name_ + ' ';
  escape(text_, help, false);
  text_ += "\n# TYPE " + name_ + ' ' + word(type) + '\n';
}

void MetricsText::line(std::string_view suffix, const Labels& labels, std::string_view bound,
                       std::string_view value) {
  text_ += name_;
  text_ += suffix;
  if (!labels.empty() || !bound.empty()) {
    text_ += '{';
    for (const Label& label : labels) add_label(text_, label.name, label.value);
    if (!bound.empty()) add_label(text_, "le", bound);
    text_ += '}';
  }
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

void MetricsText::sample(const Labels& labels, std::uint64_t value) {
  line("", labels, "", std::to_string(value));
}

void MetricsText::sample(const Labels& labels, double value) {
  line("", labels, "", number(value));
}

void MetricsText::histogram(const Labels& labels, std::span<const double> bounds,
                            std::span<const std::uint64_t> counts, double sum) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    const std::string bound = i < bounds.size() ? number(bounds[i]) : "+Inf";
    line("_bucket", labels, bound, std::to_string(total));
  }
  line("_sum", labels, "", number(sum));
  line("_count", labels, "", std::to_string(total));
}

}  // namespace arctic
