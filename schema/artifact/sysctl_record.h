// sysctls.json: what kernel parameters were before us, so that destroy can put them back.
//
// Written by apply before a parameter is changed, read by plan. Encode and decode stand side by
// side; the decoder takes hostile bytes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace arctic {

struct SysctlRecord {
  std::string before;                   ///< the last value that was not ours
  std::string ours;                     ///< what we set; of a list of ports, those that we added
  std::optional<std::string> previous;  ///< what we had set until the apply that is under way

  friend bool operator==(const SysctlRecord&, const SysctlRecord&) = default;
};

using SysctlRecords = std::map<std::string, SysctlRecord>;  ///< by path below /proc/sys

[[nodiscard]] std::string encode(const SysctlRecords& records);
/// The error's `where` is a JSON pointer.
[[nodiscard]] Result<SysctlRecords> decode_sysctl_records(std::string_view json);

}  // namespace arctic
