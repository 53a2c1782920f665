// The one door between the reconciler and a machine: everything that apply reads or changes.
//
// LinuxHost is the real one (netlink, /proc/sys, files below a root folder); tests have FakeHost,
// in memory, which can fail or die at the n-th call. Each call is one step that either happened or
// did not; the order of steps, undoing and the journal belong to apply, not here. No call prints.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/diff.h"
#include "compiler/node_state.h"
#include "schema/base/result.h"

namespace arctic {

/// Holds the apply lock until destroyed (or until its process dies).
class ApplyLock {
 public:
  virtual ~ApplyLock() = default;
};

class Host {
 public:
  virtual ~Host() = default;

  /// All that is ours (table inet arctic, links with our alias and their addresses, rules and
  /// routes with our protocol), how much of IPv6 there is, and besides, as they are, whoever made
  /// them: links with names that `desired` uses (as a link's own name or as its parent), and the
  /// sysctls and files that it names or that `also_sysctls` lists. A link that is not ours has an
  /// alias without our prefix (the diff leaves it alone). Sysctl records are not filled in. Sysctls
  /// that do not exist (their interface is not there yet) are absent.
  virtual Result<NodeState> observe(const NodeState& desired,
                                    const std::vector<std::string>& also_sysctls) = 0;

  /// The interface of the IPv4 default route in `main`, else of the IPv6 one; kRefused if neither.
  virtual Result<std::string> default_route_interface() = 0;

  /// Makes one change that is not nftables. Repeating one that is made already succeeds.
  /// A SysctlDelta without `after` writes back before->before if the value is still before->ours.
  virtual Status perform(const Change& change) = 0;

  /// Makes all nftables changes in one transaction: all or nothing.
  virtual Status commit(const std::vector<Change>& nft) = 0;

  /// nullopt: there is no such file. Paths are absolute and below the root folder.
  virtual Result<std::optional<std::string>> read_file(const std::string& path) = 0;
  /// Why others than root and ourselves could change what is at `path` ("belongs to user 1000",
  /// "its mode 0666 lets others write"); empty if none could, or if there is nothing.
  virtual Result<std::string> exposure(const std::string& path) = 0;
  /// Atomic and durable: temporary, fsync, rename, fsync of the folder; makes missing folders
  /// (0755, below /var/lib/arctic 0700). A reader sees the old content or the new one.
  virtual Status write_file(const std::string& path, const std::string& content, unsigned mode) = 0;
  /// Adds to the end of a file and syncs it; makes it (0600) if it is missing.
  virtual Status append_file(const std::string& path, const std::string& text) = 0;
  /// Succeeds if there is no such file.
  virtual Status remove_file(const std::string& path) = 0;
  /// Names in a folder, sorted; empty if there is no such folder.
  virtual Result<std::vector<std::string>> list_folder(const std::string& path) = 0;
  /// A folder of ours with all that is in it; succeeds if it is missing.
  virtual Status remove_folder(const std::string& path) = 0;

  /// kRefused, naming the holder (pid, user, start), if another process has it.
  virtual Result<std::unique_ptr<ApplyLock>> lock() = 0;

  /// Seconds since 1970, for the journal; never used for decisions.
  virtual std::int64_t now() = 0;
  /// True if something listens on /run/arctic/NAME.sock ("pegasus", "tempest").
  virtual bool runtime_answers(const std::string& name) = 0;
  /// What it answers to a line of its control socket's protocol; nullopt if nobody listens.
  /// kUnreachable if it does not answer within seconds.
  virtual Result<std::optional<std::string>> ask_runtime(const std::string& name,
                                                         const std::string& line) = 0;
};

}  // namespace arctic
