// Files and folders below a root folder, written so that a reader sees the old content or the new.
//
// Called by LinuxHost, for everything that its --root moves. Every path is resolved inside the root
// (openat2 with RESOLVE_IN_ROOT): neither "..", nor a symbolic link, absolute or not, leads out of
// it. Writing and appending never follow a link in the last component. Knows nothing of what the
// files mean.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/io/owned_fd.h"
#include "schema/base/result.h"

namespace arctic {

class Files {
 public:
  /// `root` empty or "/": the machine's own. It must exist when something is read or written.
  explicit Files(std::string root);

  [[nodiscard]] Result<std::optional<std::string>> read(const std::string& path) const;
  /// See Host::exposure.
  [[nodiscard]] Result<std::string> exposure(const std::string& path) const;
  [[nodiscard]] Status write(const std::string& path, const std::string& content,
                             unsigned mode) const;
  /// What a failed append has written already is taken back.
  [[nodiscard]] Status append(const std::string& path, const std::string& text) const;
  [[nodiscard]] Status remove(const std::string& path) const;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) const;
  [[nodiscard]] Status remove_folder(const std::string& path) const;

  /// Opens (and makes, with `mode`) a file without following a link in its last component, for
  /// locks; the folders above it are made.
  [[nodiscard]] Result<OwnedFd> open_own(const std::string& path, int flags, unsigned mode) const;
  /// A handle (O_PATH) on whatever is at `path`, or an invalid one.
  [[nodiscard]] OwnedFd locate(const std::string& path) const;

 private:
  [[nodiscard]] Result<OwnedFd> open_folder(const std::string& path, bool make) const;
  [[nodiscard]] std::string shown(const std::string& path) const;

  std::string root_;
};

}  // namespace arctic
