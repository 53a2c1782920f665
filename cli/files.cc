#include "cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runtime/io/owned_fd.h"
#include "runtime/io/place_file.h"

namespace arctic::cli {

namespace {

tl::unexpected<Error> failed(const std::string& path, int error) {
  return fail(ErrorCode::kFailure, path, "cannot be written: " + errno_text(error));
}

Status place(const std::string& path, std::string_view content, unsigned mode, Existing existing) {
  const std::filesystem::path whole(path);
  const std::string above = whole.parent_path().string();
  const OwnedFd folder(
      ::open(above.empty() ? "." : above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return failed(path, errno);
  const std::string name = whole.filename().string();
  if (name.empty()) return failed(path, EISDIR);
  const int error = place_file(folder.get(), name, content, mode, existing);
  if (error == EEXIST) {
    return fail(ErrorCode::kRefused, path, "is there already and is not overwritten",
                "name another file, or move that one away");
  }
  if (error != 0) return failed(path, error);
  ::fsync(folder.get());
  return {};
}

// True if `about` is the file that this process prints to, which replacing would cut off.
bool is_output(const struct stat& about) {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open {};
    if (::fstat(fd, &open) == 0 && open.st_dev == about.st_dev && open.st_ino == about.st_ino) {
      return true;
    }
  }
  return false;
}

}  // namespace

Status write_file(const std::string& path, std::string_view content, unsigned mode) {
  std::error_code error;
  std::string final_path = path;
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0) {
    if (S_ISDIR(about.st_mode)) return failed(path, EISDIR);
    if (is_output(about) || !S_ISREG(about.st_mode)) {
      return fail(ErrorCode::kRefused, path,
                  is_output(about) ? "is where this command prints, and is not replaced"
                                   : "is not a regular file, and is not replaced",
                  "name another file; to print the result instead, use --json");
    }
    mode = about.st_mode & 07777U;
    final_path = std::filesystem::canonical(path, error).string();
    if (error) return failed(path, error.value());
  }
  return place(final_path, content, mode, Existing::kReplaced);
}

Status create_file(const std::string& path, std::string_view content, unsigned mode) {
  return place(path, content, mode, Existing::kKept);
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
