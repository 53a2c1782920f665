#include "runtime/crypto/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace arctic {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// A file that is removed again unless it got its final name.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  [[nodiscard]] const char* path() const { return path_.c_str(); }
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

tl::unexpected<Error> system_error(const std::string& path, const char* what) {
  const int number = errno;
  return fail(ErrorCode::kFailure, path, std::string(what) + ": " + errno_text(number),
              number == EACCES || number == EPERM ? "run it as root" : "");
}

tl::unexpected<Error> exists(const std::string& path) {
  return fail(ErrorCode::kRefused, path, "there is a key already, and it was not replaced",
              "--force replaces it; the node's peers then need the new public key");
}

Status check_access(const std::string& path, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kRefused, path, "is not a regular file",
                "remove it and run `arctic keygen`");
  }
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return fail(ErrorCode::kRefused, path,
                "belongs to user " + std::to_string(info.st_uid) + ", who can read the node's key",
                "chown root " + path);
  }
  if ((info.st_mode & 077) != 0) {
    return fail(ErrorCode::kRefused, path, "others than its owner have access to the node's key",
                "chmod 600 " + path);
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status write_all(int fd, const std::string& path, const PrivateKey& key) {
  std::array<char, kKeyLineBytes> line{};
  key.write_line(line);
  std::size_t done = 0;
  ssize_t wrote = 0;
  while (done < line.size() && (wrote = ::write(fd, line.data() + done, line.size() - done)) > 0) {
    done += static_cast<std::size_t>(wrote);
  }
  const int number = errno;
  wipe(line.data(), line.size());
  errno = number;
  if (done < line.size()) return system_error(path, "cannot write");
  if (::fsync(fd) != 0) return system_error(path, "cannot write");
  return {};
}

}  // namespace

Result<std::optional<PrivateKey>> read_key_file(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<PrivateKey>();
    if (errno == ELOOP) {
      return fail(ErrorCode::kRefused, path, "is a symbolic link", "put the key itself there");
    }
    return system_error(path, "cannot open");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error(path, "cannot read");
  ARCTIC_CHECK(check_access(path, info));
  // One byte more than a key with its newline, so that a longer file is seen to be one.
  std::array<char, kKeyLineBytes + 1> text{};
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = ::read(fd.get(), text.data() + size, text.size() - size)) > 0)
    size += static_cast<std::size_t>(got);
  std::optional<PrivateKey> key;
  const bool ends = size == kKeyLineBytes - 1 || (size == kKeyLineBytes && text[size - 1] == '\n');
  if (got >= 0 && ends) key = PrivateKey::parse({text.data(), kKeyLineBytes - 1});
  const int number = errno;
  wipe(text.data(), text.size());
  errno = number;
  if (got < 0) return system_error(path, "cannot read");
  if (!key) {
    return fail(ErrorCode::kConfig, path,
                "is not a private key: one line of base64 (44 characters) is expected",
                "`arctic keygen --force` or `wg genkey` makes one");
  }
  return key;
}

Status write_key_file(const std::string& path, const PrivateKey& key, bool replace) {
  std::string name = path + ".new-XXXXXX";
  // mkstemp opens with O_EXCL and 0600.
  const Descriptor fd(::mkostemp(name.data(), O_CLOEXEC));
  if (fd.get() < 0) return system_error(folder_of(path), "cannot write there");
  Temporary temporary(name);
  if (::fchmod(fd.get(), 0600) != 0) return system_error(path, "cannot set its mode");
  ARCTIC_CHECK(write_all(fd.get(), path, key));
  if (replace) {
    if (::rename(temporary.path(), path.c_str()) != 0) return system_error(path, "cannot write");
    temporary.keep();
  } else if (::link(temporary.path(), path.c_str()) != 0) {
    // link, not rename: it is the one that fails where a file is.
    if (errno == EEXIST) return exists(path);
    return system_error(path, "cannot write");
  }
  const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return system_error(path, "cannot write");
  return {};
}

}  // namespace arctic
