#include "runtime/daemon/process_facts.h"

#include <dirent.h>
#include <sys/resource.h>

#include "runtime/io/memory_limit.h"

namespace arctic {
namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t open_descriptors() {
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint64_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count < 3 ? 0 : count - 3;  // ".", "..", and the folder itself
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace

void measure_process(ProcessStatus& process) {
  process.cpu_s = cpu_seconds();
  process.memory_bytes = resident_memory();
  process.descriptors_open = open_descriptors();
  process.descriptors_limit = descriptor_limit();
}

void write_process(MetricsText& text, const ProcessStatus& process, const std::string& daemon) {
  using Type = MetricsText::Type;
  text.family("process_cpu_seconds_total", Type::kCounter, "CPU time used, user and system.");
  text.sample({}, process.cpu_s);
  text.family("process_resident_memory_bytes", Type::kGauge, "Resident memory.");
  text.sample({}, process.memory_bytes);
  text.family("process_open_fds", Type::kGauge, "Open descriptors.");
  text.sample({}, process.descriptors_open);
  text.family("process_max_fds", Type::kGauge, "Descriptors that may be open.");
  text.sample({}, process.descriptors_limit);
  text.family(daemon + "_uptime_seconds", Type::kGauge, "Time since the start.");
  text.sample({}, process.uptime_s);
}

}  // namespace arctic
