// Runs the built `arctic` as a child, the way a user or a script would.
//
// Each run has an empty environment but PATH, its own working folder, and nothing on standard input
// unless it is given. A child may be made poor: without root, or on a file system that is full or
// read-only, in a mount namespace that ends with it.
#pragma once

#include <string>
#include <vector>

namespace arctic::test {

struct Ran {
  int status = -1;  ///< exit code; 128 and more for a death by signal
  std::string out;
  std::string err;
};

struct Place {
  std::string folder{};                    ///< working folder
  std::string input{};                     ///< standard input
  std::vector<std::string> environment{};  ///< "NAME=value"
  bool as_nobody = false;
  std::string mounted{};   ///< a folder that a small tmpfs covers while the child runs
  bool read_only = false;  ///< that tmpfs refuses writes
};

/// `arctic ARGUMENTS…`.
[[nodiscard]] Ran arctic(const Place& place, const std::vector<std::string>& arguments);

/// A shell line in the same surroundings; $ARCTIC is the program.
[[nodiscard]] Ran shell(const Place& place, const std::string& line);

/// A folder below /tmp that everybody may read, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }
  /// Makes the folders above it.
  void write(const std::string& name, const std::string& text, unsigned mode = 0644) const;
  [[nodiscard]] std::string read(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const;
  /// Names of all files and folders below, sorted.
  [[nodiscard]] std::vector<std::string> list() const;

 private:
  std::string path_;
};

/// examples/NAME.yaml.
[[nodiscard]] std::string example(const std::string& name);

}  // namespace arctic::test
