#include "runtime/io/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace arctic {
namespace {

constexpr const char* kControlGroups = "/sys/fs/cgroup";

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

/// Below kControlGroups, as the line "0::/system.slice/pegasus.service" says; empty if none does.
std::filesystem::path own_group() {
  std::ifstream groups("/proc/self/cgroup");
  constexpr const char* kVersion2 = "0::/";
  for (std::string line; std::getline(groups, line);) {
    if (line.rfind(kVersion2, 0) == 0) return line.substr(4);
  }
  return {};
}

}  // namespace

std::uint64_t resident_memory() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return resident * page_bytes();
}

std::uint64_t memory_limit() {
  std::uint64_t least = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_bytes();
  for (std::filesystem::path group = own_group(); !group.empty(); group = group.parent_path()) {
    std::ifstream file(kControlGroups / group / "memory.max");
    std::uint64_t most = 0;
    if (file >> most) least = std::min(least, most);  // "max" is no number
  }
  return least;
}

}  // namespace arctic
