// A lab of network namespaces: the ground that tests with real packets stand on.
//
// Namespaces here have no name and no mount; they live as long as this process holds them, so
// nothing remains after a failure or a signal. All that the lab does happens inside them: nothing
// here touches the machine's own interfaces, rules or files, and no packet can leave. Called by the
// lab tests; failures of the lab itself (no root, a missing tool) are exceptions, so that a test
// fails loudly instead of passing without having looked.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace arctic::lab {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

/// How long the lab waits for what must come. Long, because a loaded machine must not fail a test.
inline constexpr Milliseconds kPatience{5000};

/// A file descriptor, closed at the end of its life.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

/// Throws std::runtime_error "what: errno text" where a system call failed.
[[noreturn]] void throw_errno(const std::string& what);

/// The result of a command, or of a whole run of words.
struct Output {
  int status = 0;  ///< exit code; 128 + n if signal n ended it
  std::string out;
  std::string err;
};

/// A network namespace with loopback up, IPv6 without duplicate address detection.
class Namespace {
 public:
  Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  /// Runs a program inside (found by PATH) and waits at most a minute for it.
  [[nodiscard]] Output run(const std::vector<std::string>& arguments,
                           const std::string& input = {}) const;
  /// As run, but throws with the program's error text if it fails. Returns its stdout.
  std::string must(const std::vector<std::string>& arguments, const std::string& input = {}) const;
  /// Lines for `ip -batch`: "link add …"; those that begin with "-6 " run after the others.
  /// Throws if one fails.
  void ip(const std::string& batch) const;
  /// A ruleset for `nft -f`. Throws if it is refused.
  void nft(const std::string& ruleset) const;
  /// "net/ipv4/ip_forward"; throws if there is no such parameter.
  void set_sysctl(const std::string& path, const std::string& value) const;
  [[nodiscard]] std::string sysctl(const std::string& path) const;
  [[nodiscard]] bool has_link(const std::string& name) const;
  /// Waits until a link that was set up, or got its carrier, really sends: the kernel drops packets
  /// until its link watcher has come by, and on a loaded machine that takes a while.
  /// With `carrier` false, until it has lost it and drops everything.
  void await_carrier(const std::string& link, bool carrier = true) const;
  /// The hardware address, for frames made by hand. Throws if there is no such link.
  [[nodiscard]] std::string mac(const std::string& link) const;

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// A path that `ip … netns PATH` takes.
  [[nodiscard]] std::string path() const;

 private:
  Fd fd_;
};

/// Puts the calling thread into a namespace for the life of the object: sockets opened meanwhile
/// belong to it for good.
class Inside {
 public:
  explicit Inside(const Namespace& where);
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside();

 private:
  Fd before_;
};

/// One end of a cable.
struct End {
  const Namespace* where = nullptr;
  std::string name;
  std::vector<std::string> addresses;  ///< "10.0.0.1/24", "fd00::1/64"
};

/// A veth pair, up, with addresses. Neighbours know each other by permanent entries, so that a
/// packet never waits for ARP.
void connect(const End& a, const End& b);

/// A folder in memory that no path but ours leads to; it goes with the process.
class Folder {
 public:
  Folder();
  [[nodiscard]] std::string path() const;
  /// Writes a file below it and returns its path.
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const;

 private:
  Fd fd_;
};

/// `arctic ARGUMENTS --root FOLDER` inside a namespace, with the binary of this build.
[[nodiscard]] Output arctic(const Namespace& where, const Folder& root,
                            std::vector<std::string> arguments, const std::string& input = {});
/// `arctic apply` of a configuration text as the given node; throws with its error text.
std::string apply(const Namespace& where, const Folder& root, const std::string& yaml,
                  const std::string& node);

/// Calls `done` until it is true or the patience ends; waits in between without spinning.
[[nodiscard]] bool eventually(const std::function<bool()>& done, Milliseconds patience = kPatience);

/// Keeps the calling thread on one processor, so that packets it sends are processed in the order
/// in which they were sent (the receive backlog is per processor).
void stay_on_one_processor();

}  // namespace arctic::lab
