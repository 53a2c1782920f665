#include "runtime/host/sysctls.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

namespace arctic {
namespace {

constexpr const char* kRoot = "/proc/sys/";

std::string normalise(const std::string& text) {
  std::istringstream words(text);
  std::string value;
  for (std::string word; words >> word;) value += (value.empty() ? "" : " ") + word;
  return value;
}

/// Names come from interface names, thus from a file: they must not lead out of /proc/sys.
Result<std::string> file_of(const std::string& path) {
  const std::string framed = "/" + path + "/";
  if (path.empty() || framed.find("/../") != std::string::npos ||
      framed.find("/./") != std::string::npos || framed.find("//") != std::string::npos ||
      path.find('\0') != std::string::npos) {
    return fail(ErrorCode::kFailure, path, "is no name of a kernel parameter");
  }
  return kRoot + path;
}

bool missing(int error) { return error == ENOENT || error == ENOTDIR || error == ENODEV; }

}  // namespace

Result<std::optional<std::string>> read_sysctl(const std::string& path) {
  ARCTIC_TRY(const std::string file, file_of(path));
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (missing(errno)) return std::optional<std::string>();
    return fail(ErrorCode::kFailure, path, "cannot be read: " + errno_text(errno));
  }
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = ::read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  const int error = errno;
  ::close(fd);
  if (size < 0) {
    return fail(ErrorCode::kFailure, path, "cannot be read: " + errno_text(error));
  }
  return std::optional<std::string>(normalise(text));
}

Status write_sysctl(const std::string& path, const std::string& value) {
  ARCTIC_TRY(const std::string file, file_of(path));
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    return fail(ErrorCode::kFailure, path, "cannot be set to " + value + ": " + errno_text(error),
                error == EACCES || error == EPERM ? "run it as root" : std::string());
  }
  const std::string line = value + "\n";
  const ssize_t size = ::write(fd, line.data(), line.size());
  const int error = errno;
  ::close(fd);
  if (size == static_cast<ssize_t>(line.size())) return {};
  return fail(ErrorCode::kFailure, path,
              "cannot be set to " + value + ": " + (size < 0 ? errno_text(error) : "cut short"));
}

Status restore_sysctl(const std::string& path, const std::string& before, const std::string& ours) {
  ARCTIC_TRY(const auto now, read_sysctl(path));
  if (!now || *now != normalise(ours)) return {};
  return write_sysctl(path, before);
}

}  // namespace arctic
