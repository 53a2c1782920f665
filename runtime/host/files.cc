#include "runtime/host/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "runtime/io/place_file.h"

namespace arctic {
namespace {

constexpr const char* kPrivateFolder = "/var/lib/arctic";
constexpr std::size_t kLargestFile = std::size_t{1} << 30;

int open_inside(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
}

tl::unexpected<Error> failed(const std::string& path, const std::string& doing, int error) {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) hint = "make room on the disk, then run it again";
  if (error == EROFS) hint = "the file system is mounted read-only";
  if (error == EACCES || error == EPERM) hint = "run it as root";
  if (error == ELOOP) hint = "it is a symbolic link; put a plain file in its place";
  return fail(ErrorCode::kFailure, path, doing + ": " + errno_text(error), std::move(hint));
}

/// The folder and the last component. An empty name means that there is none.
std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {"/", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool is_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('\0') == std::string::npos;
}

std::vector<std::string> names_in(DIR* folder) {
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

int remove_tree(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno;
  DIR* folder = ::fdopendir(fd);
  if (folder == nullptr) {
    const int error = errno;
    ::close(fd);
    return error;
  }
  int error = 0;
  for (const std::string& child : names_in(folder)) {
    if (error = remove_tree(fd, child); error != 0) break;
  }
  ::closedir(folder);
  if (error != 0) return error;
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

Files::Files(std::string root) : root_(std::move(root)) {
  while (!root_.empty() && root_.back() == '/') root_.pop_back();
}

std::string Files::shown(const std::string& path) const { return root_ + path; }

OwnedFd Files::locate(const std::string& path) const {
  const OwnedFd root(::open((root_ + "/").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return {};
  return OwnedFd(open_inside(root.get(), path, O_PATH));
}

Result<OwnedFd> Files::open_folder(const std::string& path, bool make) const {
  OwnedFd root(::open((root_ + "/").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return failed(root_ + "/", "cannot open the root folder", errno);
  OwnedFd folder(open_inside(root.get(), path, O_RDONLY | O_DIRECTORY));
  if (folder.valid() || !make || errno != ENOENT) {
    if (folder.valid() || errno == ENOENT) return folder;
    return failed(shown(path), "cannot open the folder", errno);
  }
  const auto [above, name] = split(path);
  if (!is_name(name)) return failed(shown(path), "cannot make the folder", EINVAL);
  ARCTIC_TRY(const OwnedFd parent, open_folder(above, true));
  const unsigned mode = path.rfind(kPrivateFolder, 0) == 0 ? 0700 : 0755;
  if (::mkdirat(parent.get(), name.c_str(), static_cast<mode_t>(mode)) == 0) {
    // A umask must not take away what the daemons need to read.
    if (::fchmodat(parent.get(), name.c_str(), static_cast<mode_t>(mode), 0) != 0 ||
        ::fsync(parent.get()) != 0) {
      return failed(shown(path), "cannot make the folder", errno);
    }
  } else if (errno != EEXIST) {
    return failed(shown(path), "cannot make the folder", errno);
  }
  folder = OwnedFd(open_inside(root.get(), path, O_RDONLY | O_DIRECTORY));
  if (!folder.valid()) return failed(shown(path), "cannot open the folder", errno);
  return folder;
}

Result<std::optional<std::string>> Files::read(const std::string& path) const {
  const OwnedFd root(::open((root_ + "/").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return failed(root_ + "/", "cannot open the root folder", errno);
  // Non-blocking, or a FIFO in the file's place would keep us for ever.
  const OwnedFd file(open_inside(root.get(), path, O_RDONLY | O_NONBLOCK));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return failed(shown(path), "cannot be read", errno);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(shown(path), "cannot be read", errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kFailure, shown(path), "is not a regular file",
                "move it away, then run it again");
  }
  std::string content;
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failed(shown(path), "cannot be read", errno);
    if (size == 0) return std::optional<std::string>(std::move(content));
    content.append(buffer, 0, static_cast<std::size_t>(size));
    if (content.size() > kLargestFile) {
      return fail(ErrorCode::kFailure, shown(path), "is larger than 1 GiB: not a file of arctic's");
    }
  }
}

Result<std::string> Files::exposure(const std::string& path) const {
  const OwnedFd place = locate(path);
  struct stat status {};
  if (!place.valid()) return std::string();
  if (::fstat(place.get(), &status) != 0) return failed(shown(path), "cannot be read", errno);
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return "belongs to user " + std::to_string(status.st_uid);
  }
  if ((status.st_mode & 022U) == 0) return std::string();
  std::ostringstream mode;
  mode << std::oct << (status.st_mode & 07777U);
  return "its mode 0" + mode.str() + " lets others write";
}

Status Files::write(const std::string& path, const std::string& content, unsigned mode) const {
  const auto [above, name] = split(path);
  if (!is_name(name)) return failed(shown(path), "cannot be written", EINVAL);
  ARCTIC_TRY(const OwnedFd folder, open_folder(above, true));
  if (const int error = place_file(folder.get(), name, content, mode, Existing::kReplaced);
      error != 0) {
    return failed(shown(path), "cannot be written", error);
  }
  if (::fsync(folder.get()) != 0) return failed(shown(path), "cannot be synced to disk", errno);
  return {};
}

Result<OwnedFd> Files::open_own(const std::string& path, int flags, unsigned mode) const {
  const auto [above, name] = split(path);
  if (!is_name(name)) return failed(shown(path), "cannot be opened", EINVAL);
  ARCTIC_TRY(const OwnedFd folder, open_folder(above, true));
  constexpr int kAlways = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  OwnedFd file(::openat(folder.get(), name.c_str(), flags | kAlways));
  if (!file.valid() && errno == ENOENT) {
    file = OwnedFd(::openat(folder.get(), name.c_str(), flags | kAlways | O_CREAT, mode));
    if (file.valid() &&
        (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0 || ::fsync(folder.get()) != 0)) {
      return failed(shown(path), "cannot be made", errno);
    }
  }
  if (!file.valid()) return failed(shown(path), "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(shown(path), "cannot be opened", errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kFailure, shown(path), "is not a regular file",
                "move it away, then run it again");
  }
  return file;
}

Status Files::append(const std::string& path, const std::string& text) const {
  ARCTIC_TRY(const OwnedFd file, open_own(path, O_WRONLY | O_APPEND, 0600));
  const off_t before = ::lseek(file.get(), 0, SEEK_END);
  int error = before < 0 ? errno : write_all(file.get(), text);
  if (error == 0 && ::fsync(file.get()) != 0) error = errno;
  if (error == 0) return {};
  if (before >= 0) (void)!::ftruncate(file.get(), before);
  return failed(shown(path), "cannot be added to", error);
}

Status Files::remove(const std::string& path) const {
  const auto [above, name] = split(path);
  if (!is_name(name)) return failed(shown(path), "cannot be removed", EINVAL);
  ARCTIC_TRY(const OwnedFd folder, open_folder(above, false));
  if (!folder.valid()) return {};
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0) {
    if (errno == ENOENT) return {};
    return failed(shown(path), "cannot be removed", errno);
  }
  if (::fsync(folder.get()) != 0) return failed(shown(path), "cannot be synced to disk", errno);
  return {};
}

Result<std::vector<std::string>> Files::list(const std::string& path) const {
  ARCTIC_TRY(OwnedFd folder, open_folder(path, false));
  if (!folder.valid()) return std::vector<std::string>();
  DIR* entries = ::fdopendir(::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0));
  if (entries == nullptr) return failed(shown(path), "cannot be listed", errno);
  std::vector<std::string> names = names_in(entries);
  ::closedir(entries);
  names.erase(std::remove_if(names.begin(), names.end(), is_unplaced), names.end());
  return names;
}

Status Files::remove_folder(const std::string& path) const {
  const auto [above, name] = split(path);
  if (!is_name(name)) return failed(shown(path), "cannot be removed", EINVAL);
  ARCTIC_TRY(const OwnedFd folder, open_folder(above, false));
  if (!folder.valid()) return {};
  if (const int error = remove_tree(folder.get(), name); error != 0) {
    return failed(shown(path), "cannot be removed", error);
  }
  if (::fsync(folder.get()) != 0) return failed(shown(path), "cannot be synced to disk", errno);
  return {};
}

}  // namespace arctic
