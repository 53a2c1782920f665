// What a runtime says of its own process: measured, and as metrics.
#pragma once

#include <string>

#include "runtime/io/metrics_text.h"
#include "schema/artifact/process_status.h"

namespace arctic {

/// CPU time, memory and descriptors, as they are now.
void measure_process(ProcessStatus& process);
/// `daemon` is the prefix of what is no process' in general.
void write_process(MetricsText& text, const ProcessStatus& process, const std::string& daemon);

}  // namespace arctic
