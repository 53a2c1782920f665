#include "runtime/io/local_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace arctic {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kSocketMode = 0600;

tl::unexpected<Error> failure(const std::string& path, const char* call) {
  return fail(ErrorCode::kFailure, path, std::string(call) + ": " + errno_text(errno));
}

/// Opens the folder of a path, making those that are missing.
Result<OwnedFd> open_folder(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (::mkdir(above.c_str(), kFolderMode) != 0 && errno != EEXIST) return failure(above, "mkdir");
  }
  const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  OwnedFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid()) return fd;
  if (errno == ELOOP || errno == ENOTDIR) {
    return fail(ErrorCode::kRefused, folder, "is no folder", "take away what is there");
  }
  return failure(folder, "open");
}

/// Makes two processes that both want a path of this folder wait for each other.
class FolderLock {
 public:
  explicit FolderLock(int folder) : folder_(folder) { (void)::flock(folder_, LOCK_EX); }
  ~FolderLock() { (void)::flock(folder_, LOCK_UN); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_;
};

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path || path.empty() || path[0] != '/') {
    return fail(ErrorCode::kConfig, path, "must be an absolute path of at most 107 bytes",
                "a control socket cannot have a longer one; choose a shorter --root");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool bind_to(int fd, const sockaddr_un& address) {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Something has the path: success if it was a dead socket, which is gone now.
Status clear_stale(int folder, const std::string& name, const sockaddr_un& address) {
  const std::string path = address.sun_path;
  struct stat about {};
  if (::fstatat(folder, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return failure(path, "stat");
  }
  if (!S_ISSOCK(about.st_mode)) {
    return fail(ErrorCode::kRefused, path, "is there and is no socket", "take it away");
  }
  const OwnedFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return failure(path, "socket");
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(probe.get(), raw, sizeof address) == 0 || errno != ECONNREFUSED) {
    return fail(ErrorCode::kRefused, path, "another process listens there",
                "stop it first; there is one for each node");
  }
  if (::unlinkat(folder, name.c_str(), 0) != 0) return failure(path, "unlink");
  return {};
}

Status bind_path(int fd, int folder, const std::string& name, const sockaddr_un& address) {
  // The file gets the mode that the descriptor has before, so that nobody else can ever open it.
  if (::fchmod(fd, kSocketMode) != 0) return failure(address.sun_path, "fchmod");
  if (bind_to(fd, address)) return {};
  if (errno != EADDRINUSE) return failure(address.sun_path, "bind");
  ARCTIC_CHECK(clear_stale(folder, name, address));
  if (!bind_to(fd, address)) return failure(address.sun_path, "bind");
  return {};
}

bool may_speak(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

Task<void> serve_if_allowed(std::shared_ptr<const StreamServer::Serve> serve, Watched& socket) {
  if (may_speak(socket.fd())) co_await (*serve)(socket);
}

}  // namespace

Result<std::unique_ptr<LocalSocket>> LocalSocket::make(EventLoop& loop, const std::string& path,
                                                       StreamServer::Options options) {
  ARCTIC_TRY(const sockaddr_un address, unix_address(path));
  ARCTIC_TRY(OwnedFd folder, open_folder(path));
  const std::string name = path.substr(path.rfind('/') + 1);
  OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return failure(path, "socket");
  struct stat about {};
  {
    const FolderLock lock(folder.get());
    ARCTIC_CHECK(bind_path(fd.get(), folder.get(), name, address));
    if (::fstatat(folder.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) {
      return failure(path, "stat");
    }
    if (::listen(fd.get(), static_cast<int>(options.most)) != 0) return failure(path, "listen");
  }
  std::unique_ptr<LocalSocket> made(
      new LocalSocket(std::move(folder), name, about.st_dev, about.st_ino));
  const auto serve = std::make_shared<const StreamServer::Serve>(std::move(options.serve));
  options.serve = [serve](Watched& socket) { return serve_if_allowed(serve, socket); };
  if (options.full) {
    options.full = [full = std::move(options.full)](Watched& socket) {
      if (may_speak(socket.fd())) full(socket);
    };
  }
  ARCTIC_TRY(made->server_, StreamServer::make(loop, fd.release(), std::move(options)));
  return made;
}

bool LocalSocket::is_in_place() const {
  struct stat about {};
  return ::fstatat(folder_.get(), name_.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 &&
         about.st_dev == device_ && about.st_ino == inode_;
}

LocalSocket::~LocalSocket() {
  const FolderLock lock(folder_.get());
  if (is_in_place()) (void)::unlinkat(folder_.get(), name_.c_str(), 0);
}

}  // namespace arctic
