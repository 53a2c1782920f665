#include "runtime/host/records.h"

#include "runtime/host/apply.h"
#include "runtime/host/ports.h"
#include "runtime/host/resolve.h"

namespace arctic {
namespace {

/// What we added to the list, and of that, what is in it now.
void merge_port_record(const SysctlRecord& record, Sysctl& sysctl) {
  const auto before = parse_ports(record.before);
  const auto ours = parse_ports(record.ours);
  const auto previous = parse_ports(record.previous.value_or(""));
  const auto now = parse_ports(sysctl.value);
  if (!before || !ours || !previous || !now) return;
  const PortSet added = (*ours | *previous) & ~*before;
  if ((*now & added).none()) return;
  sysctl.before = ports_text(*now & ~added);
  sysctl.ours = sysctl.value;
}

bool is_ours(const SysctlRecord& record, const std::string& value) {
  return value != record.before && (value == record.ours || value == record.previous);
}

}  // namespace

Result<SysctlRecords> read_records(Host& host) {
  ARCTIC_TRY(const auto text, host.read_file(kSysctlRecordPath));
  if (!text) return SysctlRecords();
  auto records = decode_sysctl_records(*text);
  if (records) return records;
  return fail(ErrorCode::kRefused, kSysctlRecordPath,
              records.error().message() +
                  "; it should hold the kernel parameters' values before "
                  "Arctic",
              "move it away to go on without: those parameters then stay as they are now");
}

Status write_records(Host& host, const SysctlRecords& records) {
  if (records.empty()) return host.remove_file(kSysctlRecordPath);
  return host.write_file(kSysctlRecordPath, encode(records), 0600);
}

void merge_records(const SysctlRecords& records, NodeState& actual) {
  for (const auto& [path, record] : records) {
    const auto found = actual.sysctls.find(path);
    if (found == actual.sysctls.end()) continue;
    Sysctl& sysctl = found->second;
    if (path == kReservedPortsPath) {
      merge_port_record(record, sysctl);
    } else if (is_ours(record, sysctl.value)) {
      sysctl.before = record.before;
      sysctl.ours = sysctl.value;
    }
  }
}

SysctlRecords records_during(const SysctlRecords& records, const NodeState& actual,
                             const NodeState& desired) {
  SysctlRecords during = records;
  for (const auto& [path, wanted] : desired.sysctls) {
    const auto now = actual.sysctls.find(path);
    if (!wanted.of_link.empty() || now == actual.sysctls.end()) continue;
    const Sysctl& sysctl = now->second;
    if (sysctl.value == wanted.value) continue;
    // A value that is not ours is what destroy returns to, also where we had changed it before: a
    // restart or an administrator has put a newer one in its place.
    SysctlRecord record{sysctl.value, wanted.value, std::nullopt};
    if (sysctl.before) {
      record.before = *sysctl.before;
      record.previous = sysctl.value;
    }
    during[path] = std::move(record);
  }
  return during;
}

SysctlRecords records_after(const SysctlRecords& during, const NodeState& desired) {
  SysctlRecords after;
  for (const auto& [path, record] : during) {
    const auto wanted = desired.sysctls.find(path);
    if (wanted == desired.sysctls.end() || !wanted->second.of_link.empty()) continue;
    if (record.before == wanted->second.value) continue;
    after[path] = SysctlRecord{record.before, wanted->second.value, std::nullopt};
  }
  return after;
}

}  // namespace arctic
