#include "runtime/io/place_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/io/owned_fd.h"

namespace arctic {
namespace {

constexpr std::string_view kUnplacedEnd = ".new";

std::string unplaced_name(const std::string& name) { return "." + name + ".arctic.new"; }

class Undisturbed {
 public:
  Undisturbed() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~Undisturbed() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

 private:
  sigset_t before_{};
};

int result_of(int returned) { return returned == 0 ? 0 : errno; }

int link_open(int file, int folder, const std::string& name) {
  const std::string self = "/proc/self/fd/" + std::to_string(file);
  return result_of(::linkat(AT_FDCWD, self.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW));
}

/// True if somebody who writes the same file has taken away what we were about to rename.
bool is_lost(int error, int file) {
  struct stat about {};
  return error == ENOENT && ::fstat(file, &about) == 0 && about.st_nlink == 0;
}

int fill(int file, std::string_view content, unsigned mode) {
  if (::fchmod(file, static_cast<mode_t>(mode)) != 0) return errno;  // whatever the umask
  if (const int error = write_all(file, content); error != 0) return error;
  return result_of(::fsync(file));
}

/// One file on its way to its place.
class Placing {
 public:
  Placing(int folder, const std::string& name)
      : folder_(folder), name_(name), aside_(unplaced_name(name)) {
    (void)::unlinkat(folder_, aside_.c_str(), 0);
  }

  int write(std::string_view content, unsigned mode) {
    file_ = OwnedFd(::openat(folder_, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
    nameless_ = file_.valid();
    if (!nameless_ && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return errno;
    if (!nameless_) {
      file_ = OwnedFd(::openat(folder_, aside_.c_str(),
                               O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode));
      if (!file_.valid()) return errno;
    }
    return fill(file_.get(), content, mode);
  }

  int replace() {
    if (nameless_) {
      if (const int error = link_open(file_.get(), folder_, aside_); error != 0) return error;
    }
    return result_of(::renameat(folder_, aside_.c_str(), folder_, name_.c_str()));
  }

  /// Unlike rename, link never takes the place of something.
  int add() {
    if (nameless_) return link_open(file_.get(), folder_, name_);
    return result_of(::linkat(folder_, aside_.c_str(), folder_, name_.c_str(), 0));
  }

  void clean_up() const { (void)::unlinkat(folder_, aside_.c_str(), 0); }
  [[nodiscard]] int file() const { return file_.get(); }

 private:
  int folder_;
  const std::string& name_;
  std::string aside_;
  OwnedFd file_;
  bool nameless_ = false;
};

}  // namespace

int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t size = ::write(fd, content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(size));
  }
  return 0;
}

int place_file(int folder, const std::string& name, std::string_view content, unsigned mode,
               Existing existing) {
  constexpr int kAttempts = 10;
  const Undisturbed undisturbed;
  int error = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Placing placing(folder, name);
    error = placing.write(content, mode);
    if (error == 0) error = existing == Existing::kReplaced ? placing.replace() : placing.add();
    const bool lost = is_lost(error, placing.file());
    if (error != 0 || existing == Existing::kKept) placing.clean_up();
    if (!lost) break;
  }
  return error;
}

bool is_unplaced(std::string_view name) {
  return name.size() > kUnplacedEnd.size() && name[0] == '.' &&
         name.substr(name.size() - kUnplacedEnd.size()) == kUnplacedEnd;
}

}  // namespace arctic
