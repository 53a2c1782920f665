// The process' part of a status as JSON. Included by .cc files only.
#pragma once

#include <string>

#include "schema/artifact/control_fields.h"
#include "schema/artifact/process_status.h"

namespace arctic {

void write_process(nlohmann::ordered_json& out, const ProcessStatus& process);
/// Takes its fields out of those of the whole status.
[[nodiscard]] Result<ProcessStatus> read_process(Fields& fields, const std::string& where);

}  // namespace arctic
