#include "cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace arctic::cli {

namespace {

// A temporary beside its final place; taken away again unless it got there.
class Temporary {
 public:
  explicit Temporary(const std::string& final_path) : path_(final_path + ".XXXXXX") {
    fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
  }
  ~Temporary() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!placed_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  // Each returns false with errno set.
  bool write(std::string_view content) const {
    while (!content.empty()) {
      const ssize_t n = ::write(fd_, content.data(), content.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      content.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool finish(unsigned mode) const { return ::fchmod(fd_, mode) == 0 && ::fsync(fd_) == 0; }
  bool replace(const std::string& final_path) {
    placed_ = ::rename(path_.c_str(), final_path.c_str()) == 0;
    return placed_;
  }
  // Unlike rename, link never takes the place of something.
  [[nodiscard]] bool add(const std::string& final_path) const {
    return ::link(path_.c_str(), final_path.c_str()) == 0;
  }

 private:
  std::string path_;
  int fd_ = -1;
  bool placed_ = false;
};

tl::unexpected<Error> failed(const std::string& path, int error) {
  return fail(ErrorCode::kFailure, path, "cannot be written: " + errno_text(error));
}

void sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Status write_file(const std::string& path, std::string_view content, unsigned mode) {
  std::error_code error;
  std::string place = path;
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0) {
    if (S_ISDIR(about.st_mode)) return failed(path, EISDIR);
    mode = about.st_mode & 07777U;
    place = std::filesystem::canonical(path, error).string();
    if (error) return failed(path, error.value());
  }
  Temporary temporary(place);
  if (!temporary.is_open() || !temporary.write(content) || !temporary.finish(mode) ||
      !temporary.replace(place)) {
    return failed(path, errno);
  }
  sync_folder_of(place);
  return {};
}

Status create_file(const std::string& path, std::string_view content, unsigned mode) {
  Temporary temporary(path);
  if (!temporary.is_open() || !temporary.write(content) || !temporary.finish(mode)) {
    return failed(path, errno);
  }
  if (!temporary.add(path)) {
    if (errno != EEXIST) return failed(path, errno);
    return fail(ErrorCode::kRefused, path, "is there already and is not overwritten",
                "name another file, or move that one away");
  }
  sync_folder_of(path);
  return {};
}

Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return fail(ErrorCode::kFailure, path, "cannot be made: " + error.message());
  }
  return {};
}

}  // namespace arctic::cli
