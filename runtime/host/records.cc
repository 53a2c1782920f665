#include "runtime/host/records.h"

#include "runtime/host/apply.h"
#include "runtime/host/ports.h"
#include "runtime/host/resolve.h"
#include "schema/base/diagnostic.h"

namespace arctic {
namespace {

/// The ports that a record says are ours: what we added to a list that others add to as well.
std::optional<PortSet> added_ports(const SysctlRecord& record) {
  const auto before = parse_ports(record.before);
  const auto ours = parse_ports(record.ours);
  const auto previous = parse_ports(record.previous.value_or(""));
  if (!before || !ours || !previous) return std::nullopt;
  return (*ours | *previous) & ~*before;
}

void merge_port_record(const SysctlRecord& record, Sysctl& sysctl) {
  const auto added = added_ports(record);
  const auto now = parse_ports(sysctl.value);
  if (!added || !now || (*now & *added).none()) return;
  sysctl.before = ports_text(*now & ~*added);
  sysctl.ours = sysctl.value;
}

/// The record of the ports alone that we add, so that whatever others do to the list is theirs.
/// nullopt: there are none.
std::optional<SysctlRecord> port_record(const Sysctl& now, const std::string& wanted) {
  const auto current = parse_ports(now.value);
  const auto others = parse_ports(now.before.value_or(now.value));
  const auto next = parse_ports(wanted);
  if (!current || !others || !next) return std::nullopt;
  const PortSet added = *next & ~*others;
  const PortSet added_before = *current & ~*others;
  if ((added | added_before).none()) return std::nullopt;
  SysctlRecord record{"", ports_text(added), std::nullopt};
  if (added_before.any() && added_before != added) record.previous = ports_text(added_before);
  return record;
}

bool is_ours(const SysctlRecord& record, const std::string& value) {
  return value != record.before && (value == record.ours || value == record.previous);
}

bool is_number(const std::string& text) {
  constexpr std::size_t kMostDigits = 10;
  return !text.empty() && text.size() <= kMostDigits &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

/// Those of a node; parameters of our own links come and go with them and have no record.
bool is_recorded(const std::string& path) {
  constexpr std::string_view kFolder = "net/ipv4/conf/";
  constexpr std::string_view kName = "/arp_ignore";
  if (path == "net/ipv4/ip_forward" || path == "net/ipv6/conf/all/forwarding") return true;
  if (path == kReservedPortsPath) return true;
  if (path.size() <= kFolder.size() + kName.size() || path.rfind(kFolder, 0) != 0) return false;
  const std::string_view rest = std::string_view(path).substr(kFolder.size());
  const std::size_t slash = rest.find('/');
  return slash != 0 && slash != std::string_view::npos && rest.substr(slash) == kName;
}

bool has_sound_values(const std::string& path, const SysctlRecord& record) {
  if (path == kReservedPortsPath) return added_ports(record).has_value();
  return is_number(record.before) && is_number(record.ours) &&
         (!record.previous || is_number(*record.previous));
}

tl::unexpected<Error> bad_records(const std::string& reason) {
  return fail(ErrorCode::kRefused, kSysctlRecordPath,
              reason + "; it should hold the kernel parameters' values before Arctic",
              "move it away to go on without: those parameters then stay as they are now");
}

}  // namespace

Result<SysctlRecords> read_records(Host& host) {
  ARCTIC_TRY(const auto text, host.read_file(kSysctlRecordPath));
  if (!text) return SysctlRecords();
  auto records = decode_sysctl_records(*text);
  if (!records) return bad_records(records.error().message());
  for (const auto& [path, record] : *records) {
    if (!is_recorded(path)) return bad_records("has " + quoted(path) + ", which Arctic never sets");
    if (!has_sound_values(path, record)) {
      return bad_records("the record of " + path + " is no value of that parameter");
    }
  }
  return records;
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
    if (path == kReservedPortsPath) {
      during.erase(path);
      if (auto record = port_record(sysctl, wanted.value)) during[path] = std::move(*record);
      continue;
    }
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
    if (path == kReservedPortsPath) {
      // What was ours until this apply has left the list; `before` was the list of others once.
      const auto ours = added_ports({record.before, record.ours, std::nullopt});
      if (ours && ours->any()) after[path] = SysctlRecord{"", ports_text(*ours), std::nullopt};
      continue;
    }
    if (record.before == wanted->second.value) continue;
    after[path] = SysctlRecord{record.before, wanted->second.value, std::nullopt};
  }
  return after;
}

}  // namespace arctic
