#include "runtime/host/lock.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <vector>

namespace arctic {
namespace {

std::string user_name() {
  const uid_t uid = ::getuid();
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return "uid " + std::to_string(uid);
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return std::string(text, size);
}

/// The holder's line as it is shown: it is read from a file, so only plain characters count.
std::string read_holder(int fd) {
  char buffer[256];
  const ssize_t size = ::pread(fd, buffer, sizeof buffer, 0);
  std::string holder;
  for (ssize_t i = 0; i < size && buffer[i] != '\n'; ++i) {
    holder += buffer[i] >= ' ' && buffer[i] <= '~' ? buffer[i] : '?';
  }
  return holder;
}

class FileLock : public ApplyLock {
 public:
  explicit FileLock(OwnedFd file) : file_(std::move(file)) {}
  // The file stays: deleting it would let two processes lock two files of one name.
  ~FileLock() override { (void)!::ftruncate(file_.get(), 0); }

 private:
  OwnedFd file_;
};

}  // namespace

Result<std::unique_ptr<ApplyLock>> take_lock(const Files& files) {
  ARCTIC_TRY(OwnedFd file, files.open_own(kLockPath, O_RDWR, 0600));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return fail(ErrorCode::kFailure, kLockPath, "cannot be locked: " + errno_text(errno));
    }
    const std::string holder = read_holder(file.get());
    return fail(ErrorCode::kRefused, kLockPath,
                "another apply is running" + (holder.empty() ? "" : ": " + holder),
                "wait until it has ended; the lock goes with its process");
  }
  const std::string holder = "pid " + std::to_string(::getpid()) + ", user " + user_name() +
                             ", since " + now_text() + "\n";
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), holder.data(), holder.size(), 0) !=
                                             static_cast<ssize_t>(holder.size())) {
    return fail(ErrorCode::kFailure, kLockPath, "cannot be written: " + errno_text(errno));
  }
  std::unique_ptr<ApplyLock> lock = std::make_unique<FileLock>(std::move(file));
  return lock;
}

}  // namespace arctic
