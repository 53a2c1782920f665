#include "runtime/daemon/config_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/io/owned_fd.h"

namespace arctic {

Result<std::string> read_config_text(const std::string& path) {
  // Without O_NONBLOCK a pipe that nobody writes to would hold a running daemon for ever.
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) {
    return fail(ErrorCode::kFailure, path, errno_text(errno),
                errno == ENOENT ? "`arctic apply` writes it" : "");
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kFailure, path, "is no ordinary file",
                "name the file that `arctic apply` or `arctic compile` wrote");
  }
  // One byte more than can be decoded: a bigger file is refused there.
  constexpr std::size_t kMostRead = (std::size_t{64} << 20) + 1;
  constexpr std::size_t kPiece = 65536;
  std::string text;
  while (text.size() < kMostRead) {
    const std::size_t had = text.size();
    text.resize(had + kPiece);
    const ssize_t got = ::read(fd.get(), text.data() + had, kPiece);
    const int error = errno;
    text.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) break;
    if (got > 0 || error == EINTR) continue;
    return fail(ErrorCode::kFailure, path, errno_text(error));
  }
  return text;
}

Error in_file(Error error, const std::string& path) {
  if (error.where.empty()) {
    error.where = path;
    error.subject.clear();  // the name that the file has where it is compiled
  } else {
    error.where = path + ":" + error.where;
  }
  if (error.hint.empty()) error.hint = "`arctic compile` writes a new one";
  return error;
}

}  // namespace arctic
