// The records of kernel parameters: what they were before us, and what we made of them.
//
// A record is written before the parameter is changed and taken away after it was put back, so that
// a crash at any moment leaves either the old value or a record of it. Of the list of reserved
// ports, which others add to as well, the record holds only the ports that we added. Reading and
// writing go through the Host; the rest is pure.
#pragma once

#include "compiler/node_state.h"
#include "runtime/host/host.h"
#include "schema/artifact/sysctl_record.h"

namespace arctic {

/// Empty if there is no file. kRefused if it cannot be read: overwriting it would lose the values.
[[nodiscard]] Result<SysctlRecords> read_records(Host& host);
/// Removes the file if there are none.
[[nodiscard]] Status write_records(Host& host, const SysctlRecords& records);

/// Fills `before` and `ours` of the observed parameters that still have a value of ours. For the
/// list of reserved ports `before` is today's list without what we added.
void merge_records(const SysctlRecords& records, NodeState& actual);

/// The records that must be on disk before `desired` is made.
[[nodiscard]] SysctlRecords records_during(const SysctlRecords& records, const NodeState& actual,
                                           const NodeState& desired);

/// The records that are left once `desired` is made.
[[nodiscard]] SysctlRecords records_after(const SysctlRecords& during, const NodeState& desired);

}  // namespace arctic
