// `trace --stdin`: a packet a line in, an answer a line out, at hundreds of thousands a second.
//
// Input lines are hostile: they are read strictly (no unknown or repeated key, no other type), and
// the first bad one ends the run with its number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/report.h"
#include "compiler/trace.h"
#include "schema/base/result.h"

namespace arctic::cli {

class LineTracer {
 public:
  /// REQUIRES: both outlive the tracer.
  LineTracer(const Config& config, const RulePlan& plan);

  /// Appends one JSON line without newline. `protocol` is a JSON string or number, given back as it
  /// came.
  void answer(const Packet& packet, std::string_view protocol, std::string& out) const;

  /// Standard input to its end. kConfig names the line that is not a packet; the answers to the
  /// lines before it are written.
  [[nodiscard]] Status run(Report& report) const;

 private:
  struct Tail {
    std::string tcp;
    std::string other;
  };

  Tracer tracer_;
  std::vector<Tail> tails_;  ///< the end of the answer of each rule
};

struct PacketLine {
  Packet packet;
  std::string protocol = "\"tcp\"";  ///< as JSON
};

/// One line of input; `reason` of the error says what is wrong with it.
[[nodiscard]] Result<PacketLine> parse_packet_line(std::string_view line);

}  // namespace arctic::cli
