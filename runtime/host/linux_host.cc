#include "runtime/host/linux_host.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>
#include <tuple>

#include "runtime/host/links.h"
#include "runtime/host/lock.h"
#include "runtime/host/netlink.h"
#include "runtime/host/nft_socket.h"
#include "runtime/host/nft_write.h"
#include "runtime/host/routes.h"
#include "runtime/host/runtime_socket.h"
#include "runtime/host/sysctls.h"

namespace arctic {
namespace {

constexpr unsigned kFileMode = 0644;

/// Makes one change; each kind of resource has its overload.
struct Perform {
  const Files& files;

  Status operator()(const FileDelta& delta) const {
    return delta.after ? files.write(delta.name, delta.after->content, kFileMode)
                       : files.remove(delta.name);
  }
  Status operator()(const SysctlDelta& delta) const {
    if (delta.after) return write_sysctl(delta.name, delta.after->value);
    const bool recorded = delta.before && delta.before->before && delta.before->ours;
    if (!recorded) return {};  // the value came with a link, and goes with it
    return restore_sysctl(delta.name, *delta.before->before, *delta.before->ours);
  }
  Status operator()(const LinkDelta& delta) const {
    ARCTIC_TRY(auto socket, netlink::RouteSocket::open());
    return delta.after ? make_link(socket, delta.name, *delta.after)
                       : delete_link(socket, delta.name);
  }
  Status operator()(const AddressDelta& delta) const {
    return add_or_remove(delta, add_address, delete_address);
  }
  Status operator()(const RouteDelta& delta) const {
    const auto place = [](const PolicyRoute& route) {
      return std::tuple(route.family, route.table, route.metric);
    };
    // Adding has replaced it: there is one default route per metric.
    const bool replaced =
        delta.before && delta.after && place(*delta.before) == place(*delta.after);
    if (replaced)
      return add_or_remove(RouteDelta{{}, std::nullopt, delta.after}, add_route, delete_route);
    return add_or_remove(delta, add_route, delete_route);
  }
  Status operator()(const RuleDelta& delta) const {
    return add_or_remove(delta, add_rule, delete_rule);
  }
  template <class Nft>
  Status operator()(const Nft&) const {
    return fail(ErrorCode::kFailure, "table inet arctic",
                "nftables changes are made in one transaction, not singly");
  }

 private:
  template <class T>
  static Status add_or_remove(const Delta<T>& delta, Status (*add)(netlink::RouteSocket&, const T&),
                              Status (*remove)(netlink::RouteSocket&, const T&)) {
    ARCTIC_TRY(auto socket, netlink::RouteSocket::open());
    if (delta.after) ARCTIC_CHECK(add(socket, *delta.after));
    if (delta.before && !(delta.after && *delta.before == *delta.after)) {
      return remove(socket, *delta.before);
    }
    return {};
  }
};

/// Off only if it is off everywhere: one interface that is switched on again by itself counts.
Result<Ipv6> read_ipv6(const std::map<std::string, LiveLink>& links) {
  const auto path = [](const std::string& name) {
    return "net/ipv6/conf/" + name + "/disable_ipv6";
  };
  ARCTIC_TRY(const auto all, read_sysctl(path("all")));
  if (!all) return Ipv6::kAbsent;
  if (*all == "0") return Ipv6::kOn;
  for (const auto& [name, live] : links) {
    ARCTIC_TRY(const auto off, read_sysctl(path(name)));
    if (off == "0") return Ipv6::kOn;
  }
  return Ipv6::kOff;
}

}  // namespace

LinuxHost::LinuxHost(std::string root) : files_(std::move(root)) {}

LinuxHost::~LinuxHost() = default;

Result<netlink::NftSocket*> LinuxHost::nft_socket() {
  struct stat here {};
  if (::stat("/proc/thread-self/ns/net", &here) != 0) {
    return fail(ErrorCode::kFailure, "/proc/thread-self/ns/net",
                "cannot tell the network namespace: " + errno_text(errno));
  }
  if (!socket_ || socket_namespace_ != here.st_ino) {
    ARCTIC_TRY(auto opened, netlink::NftSocket::open());
    socket_ = std::make_unique<netlink::NftSocket>(std::move(opened));
    socket_namespace_ = here.st_ino;
  }
  return socket_.get();
}

Result<NodeState> LinuxHost::observe(const NodeState& desired,
                                     const std::vector<std::string>& also_sysctls) {
  NodeState state;
  ARCTIC_TRY(netlink::NftSocket* const tables, nft_socket());
  seen_.reset();
  ARCTIC_TRY(seen_, nft::read_table(*tables));
  state.table = seen_->table;

  ARCTIC_TRY(auto socket, netlink::RouteSocket::open());
  ARCTIC_TRY(const auto links, read_links(socket));
  std::set<std::string> wanted;
  for (const auto& [name, link] : desired.links) {
    wanted.insert(name);
    wanted.insert(link.parent);
  }
  for (const auto& [name, live] : links) {
    if (live.ours() || wanted.count(name) > 0) state.links.emplace(name, live.link);
  }
  ARCTIC_TRY(state.ipv6, read_ipv6(links));
  ARCTIC_TRY(state.addresses, read_addresses(socket, links));
  ARCTIC_TRY(state.routes, read_routes(socket, links));
  ARCTIC_TRY(state.rules, read_rules(socket));

  std::set<std::string> sysctls(also_sysctls.begin(), also_sysctls.end());
  for (const auto& [path, sysctl] : desired.sysctls) sysctls.insert(path);
  for (const std::string& path : sysctls) {
    ARCTIC_TRY(auto value, read_sysctl(path));
    if (value) state.sysctls[path].value = std::move(*value);
  }
  for (const auto& [path, file] : desired.files) {
    ARCTIC_TRY(auto content, files_.read(path));
    if (!content) continue;
    state.files[path].content = std::move(*content);
    ARCTIC_TRY(state.files[path].detail, files_.exposure(path));
  }
  return state;
}

Result<std::string> LinuxHost::default_route_interface() {
  ARCTIC_TRY(auto socket, netlink::RouteSocket::open());
  return find_default_interface(socket);
}

Status LinuxHost::perform(const Change& change) { return std::visit(Perform{files_}, change); }

Status LinuxHost::commit(const std::vector<Change>& nft) {
  ARCTIC_TRY(netlink::NftSocket* const tables, nft_socket());
  Status done = nft::write_table(*tables, nft, seen_);
  // What was seen has passed; the next commit of this object, an undo, goes without it.
  if (done) seen_.reset();
  return done;
}

Result<std::optional<std::string>> LinuxHost::read_file(const std::string& path) {
  return files_.read(path);
}

Result<std::string> LinuxHost::exposure(const std::string& path) { return files_.exposure(path); }

Status LinuxHost::write_file(const std::string& path, const std::string& content, unsigned mode) {
  return files_.write(path, content, mode);
}

Status LinuxHost::append_file(const std::string& path, const std::string& text) {
  return files_.append(path, text);
}

Status LinuxHost::remove_file(const std::string& path) { return files_.remove(path); }

Result<std::vector<std::string>> LinuxHost::list_folder(const std::string& path) {
  return files_.list(path);
}

Status LinuxHost::remove_folder(const std::string& path) { return files_.remove_folder(path); }

Result<std::unique_ptr<ApplyLock>> LinuxHost::lock() { return take_lock(files_); }

std::int64_t LinuxHost::now() { return static_cast<std::int64_t>(std::time(nullptr)); }

bool LinuxHost::runtime_answers(const std::string& name) { return runtime_listens(files_, name); }

Result<std::optional<std::string>> LinuxHost::ask_runtime(const std::string& name,
                                                          const std::string& line) {
  constexpr std::chrono::seconds kPatience{5};
  return arctic::ask_runtime(files_, name, line, kPatience);
}

}  // namespace arctic
