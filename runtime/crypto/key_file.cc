#include "runtime/crypto/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "runtime/io/owned_fd.h"
#include "runtime/io/place_file.h"

namespace arctic {
namespace {

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

/// The folder and the name in it.
std::pair<std::string, std::string> split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

/// Replacing a device or a pipe would take it away from the machine.
Status check_place(int folder, const std::string& name, const std::string& path, bool replace) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kRefused, path, "is there already and is not a regular file",
                "name another file");
  }
  return replace ? Status() : exists(path);
}

}  // namespace

Result<std::optional<PrivateKey>> read_key_file(const std::string& path) {
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
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
  const auto [above, name] = split(path);
  const OwnedFd folder(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return system_error(above, "cannot write there");
  ARCTIC_CHECK(check_place(folder.get(), name, path, replace));
  std::array<char, kKeyLineBytes> line{};
  key.write_line(line);
  const int error = place_file(folder.get(), name, {line.data(), line.size()}, 0600,
                               replace ? Existing::kReplaced : Existing::kKept);
  wipe(line.data(), line.size());
  if (error == EEXIST) return exists(path);
  errno = error;
  if (error != 0 || ::fsync(folder.get()) != 0) return system_error(path, "cannot write");
  return {};
}

}  // namespace arctic
