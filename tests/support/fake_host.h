// A machine in memory behind the Host door, with those manners of the kernel that an apply can trip
// over: links take their addresses and routes along, routes need a device that is up, nftables
// refuses what is referenced or overlaps and takes a transaction whole or not at all.
//
// Every call counts. At a given call it can fail or die, before the step or after it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/host/host.h"

namespace arctic {

/// Thrown in place of SIGKILL.
struct Killed {};

enum class Fault {
  kFail,         ///< an error, and nothing has happened
  kFailAfter,    ///< an error, though the step was made
  kKill,         ///< the process dies before the step
  kKillAfter,    ///< … after it
  kKillHalfway,  ///< … while it writes a journal line; else as kKill
};

/// What survives the process. Paths of `files` are absolute.
struct Machine {
  std::map<std::string, Link> links;  ///< ours and others'
  std::set<LinkAddress> addresses;
  std::set<PolicyRoute> routes;
  std::set<PolicyRule> rules;
  std::map<std::string, std::string> sysctls;
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> exposed;  ///< by path; writing a file ends it
  Ipv6 ipv6 = Ipv6::kOn;
  std::optional<nft::Table> table;
  std::uint64_t next_handle = 1;

  /// All but our own notes below /var/lib/arctic, as text: equal machines have equal texts.
  [[nodiscard]] std::string text() const;
};

class FakeHost : public Host {
 public:
  /// lo, eth0 with the default route, eth1; the usual sysctls; a node key.
  FakeHost();

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
  std::int64_t now() override { return 1700000000; }
  bool runtime_answers(const std::string& name) override;
  Result<std::optional<std::string>> ask_runtime(const std::string& name,
                                                 const std::string& line) override;

  /// The n-th call from now on, counted from 1.
  void fault_at(std::size_t n, Fault fault) { faults_[calls_ + n] = fault; }
  void no_faults() { faults_.clear(); }
  [[nodiscard]] std::size_t calls() const { return calls_; }
  /// What each call was: "perform add link tp-lon", "commit 3", …
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  void clear_log() { log_.clear(); }

  /// An interface of somebody else, with its sysctls.
  void add_foreign_link(const std::string& name);
  /// As `ip link delete`, with all that goes along.
  void delete_link(const std::string& name);

  Machine machine;
  std::string default_route = "eth0";  ///< empty: none
  std::set<std::string> runtimes;      ///< those that answer

 private:
  template <class Step>
  auto call(const std::string& what, Step step) -> decltype(step());

  Status perform_link(const LinkDelta& delta);
  Status perform_address(const AddressDelta& delta);
  Status perform_route(const RouteDelta& delta);
  Status perform_rule(const RuleDelta& delta);
  Status perform_sysctl(const SysctlDelta& delta);
  Status perform_file(const FileDelta& delta);
  Status change_link(const std::string& name, const Link& link);
  void flush_routes(const std::string& device, Family family);
  void make_sysctls(const std::string& name);

  std::map<std::size_t, Fault> faults_;
  std::size_t calls_ = 0;
  std::vector<std::string> log_;
};

/// The kernel's side of one nftables transaction: `table` is changed as a whole or not at all.
[[nodiscard]] Status fake_transaction(const std::vector<Change>& changes,
                                      std::optional<nft::Table>& table, std::uint64_t& next_handle);

}  // namespace arctic
