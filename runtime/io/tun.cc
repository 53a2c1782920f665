#include "runtime/io/tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace arctic {
namespace {

constexpr const char* kTunPath = "/dev/net/tun";

// Since Linux 6.2; older headers do not know them.
constexpr unsigned kUso4 = 0x20;
constexpr unsigned kUso6 = 0x40;

Error attach_error(const std::string& name, TunDevice how, int error) {
  switch (error) {
    case EBUSY:
      return {ErrorCode::kRefused, name, "another program has this TUN device", {}, {}};
    case EINVAL:
      return {ErrorCode::kRefused,
              name,
              "is no TUN device that may have several queues",
              {},
              how == TunDevice::kAttached ? "remove it and run `arctic apply`" : ""};
    case EPERM:
      return {ErrorCode::kRefused,
              name,
              "cannot open the TUN device: no CAP_NET_ADMIN",
              {},
              "run it as root"};
    default:
      return {
          ErrorCode::kFailure, name, "cannot open the TUN device: " + errno_text(error), {}, {}};
  }
}

TunOffloads set_offloads(int fd) {
  constexpr unsigned long kTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (::ioctl(fd, TUNSETOFFLOAD, kTcp | kUso4 | kUso6) == 0) return {true, true};
  if (::ioctl(fd, TUNSETOFFLOAD, kTcp) == 0) return {true, false};
  return {};
}

}  // namespace

namespace {

// Since Linux 5.2; older headers do not know it.
constexpr unsigned long kGetNamespace = _IO('T', 227);

/// In the namespace of the calling thread.
void ask_here(TunFacts& facts) {
  const OwnedFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, facts.name.c_str(), IFNAMSIZ - 1);
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return;
  facts.up = (request.ifr_flags & IFF_UP) != 0;
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) == 0) {
    facts.mtu = static_cast<std::uint32_t>(request.ifr_mtu);
  }
}

bool is_ours(int name_space) {
  struct stat ours {};
  struct stat theirs {};
  return ::stat("/proc/thread-self/ns/net", &ours) == 0 && ::fstat(name_space, &theirs) == 0 &&
         ours.st_ino == theirs.st_ino;
}

}  // namespace

std::optional<TunFacts> ask_tun(int fd) {
  ifreq named{};
  if (::ioctl(fd, TUNGETIFF, &named) != 0) return std::nullopt;
  TunFacts facts{named.ifr_name, false, 0};
  const OwnedFd name_space(::ioctl(fd, kGetNamespace));
  if (!name_space.valid() || is_ours(name_space.get())) {
    ask_here(facts);
    return facts;
  }
  // A thread of its own may go there and never come back.
  std::thread([&] {
    if (::setns(name_space.get(), CLONE_NEWNET) == 0) ask_here(facts);
  }).join();
  return facts;
}

Result<TunQueue> open_tun(const std::string& name, TunDevice how) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return fail(ErrorCode::kRefused, name, "is no interface name: it has 1 to 15 characters");
  }
  if (how == TunDevice::kAttached && ::if_nametoindex(name.c_str()) == 0) {
    return fail(ErrorCode::kRefused, name, "is not there", "run `arctic apply`");
  }
  OwnedFd fd(::open(kTunPath, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    const int error = errno;
    return fail(ErrorCode::kFailure, name,
                std::string("cannot open ") + kTunPath + ": " + errno_text(error),
                error == ENOENT || error == ENODEV ? "load the kernel module tun" : "");
  }
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_VNET_HDR);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return tl::unexpected<Error>(attach_error(name, how, errno));
  }
  // Beside another queue, the kernel takes the flags of the device as they are, and says nothing.
  ifreq got{};
  if (::ioctl(fd.get(), TUNGETIFF, &got) != 0 || (got.ifr_flags & IFF_VNET_HDR) == 0) {
    return fail(ErrorCode::kRefused, name, "somebody has it open who does without IFF_VNET_HDR",
                "end that program");
  }
  int header = static_cast<int>(kTunHeaderBytes);
  if (::ioctl(fd.get(), TUNSETVNETHDRSZ, &header) != 0) {
    return fail(ErrorCode::kFailure, name, "TUNSETVNETHDRSZ: " + errno_text(errno));
  }
  TunOffloads offloads = set_offloads(fd.get());
  return TunQueue{std::move(fd), offloads};
}

}  // namespace arctic
