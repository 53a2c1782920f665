// The real machine behind the Host door: netlink, /proc/sys, and files below a root folder.
//
// Made by the command line, used by plan and apply. Kernel state is that of the calling thread's
// network namespace. Keeps what it saw of the nftables table last, so that a commit can tell
// whether somebody changed it since, and its nftables socket: the kernel makes whoever closes one
// wait until it has disposed of what the last transaction removed.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>

#include "runtime/host/files.h"
#include "runtime/host/host.h"
#include "runtime/host/nft_read.h"

namespace arctic {

class LinuxHost : public Host {
 public:
  /// `root`: the folder that every file lies below; empty for the machine's own. Kernel state does
  /// not move with it.
  explicit LinuxHost(std::string root);
  ~LinuxHost() override;

  Result<NodeState> observe(const NodeState& desired,
                            const std::vector<std::string>& also_sysctls) override;
  Result<std::string> default_route_interface() override;
  Status perform(const Change& change) override;
  Status commit(const std::vector<Change>& nft) override;

  Result<std::optional<std::string>> read_file(const std::string& path) override;
  Result<std::string> exposure(const std::string& path) override;
  Status write_file(const std::string& path, const std::string& content, unsigned mode) override;
  Status append_file(const std::string& path, const std::string& text) override;
  Status remove_file(const std::string& path) override;
  Result<std::vector<std::string>> list_folder(const std::string& path) override;
  Status remove_folder(const std::string& path) override;

  Result<std::unique_ptr<ApplyLock>> lock() override;
  std::int64_t now() override;
  bool runtime_answers(const std::string& name) override;
  Result<std::optional<std::string>> ask_runtime(const std::string& name,
                                                 const std::string& line) override;

 private:
  /// Open in the namespace that the calling thread is in now.
  [[nodiscard]] Result<netlink::NftSocket*> nft_socket();

  Files files_;
  std::unique_ptr<netlink::NftSocket> socket_;
  ino_t socket_namespace_ = 0;
  std::optional<nft::Snapshot> seen_;
};

}  // namespace arctic
