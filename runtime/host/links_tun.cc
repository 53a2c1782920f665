#include "runtime/host/links_tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace arctic {
namespace {

constexpr const char* kTunPath = "/dev/net/tun";

Status make_on(int fd, netlink::RouteSocket& socket, const std::string& name, const Link& link) {
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  // IFF_VNET_HDR: whoever attaches while this descriptor is open gets the device as it is.
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | IFF_VNET_HDR |
                                         (link.multi_queue ? IFF_MULTI_QUEUE : 0));
  if (::ioctl(fd, TUNSETIFF, &request) != 0) {
    if (errno == EPERM) {
      return fail(ErrorCode::kFailure, name,
                  "cannot make a TUN device: this needs root (CAP_NET_ADMIN)", "run it as root");
    }
    return fail(ErrorCode::kFailure, name, "cannot make a TUN device: " + errno_text(errno));
  }
  const unsigned index = ::if_nametoindex(request.ifr_name);
  if (index == 0) return fail(ErrorCode::kFailure, name, "was deleted while it was made");
  ARCTIC_CHECK(set_link(socket, static_cast<int>(index), name, link, /*rename=*/false));
  if (::ioctl(fd, TUNSETPERSIST, 1UL) != 0) {
    return fail(ErrorCode::kFailure, name,
                "cannot make the TUN device persistent: " + errno_text(errno));
  }
  return {};
}

}  // namespace

Status make_tun(netlink::RouteSocket& socket, const std::string& name, const Link& link) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return fail(ErrorCode::kFailure, name, "is no interface name: it has 1 to 15 characters");
  }
  const int fd = ::open(kTunPath, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    return fail(ErrorCode::kFailure, name,
                std::string("cannot make a TUN device: ") + kTunPath + ": " + errno_text(error),
                error == ENOENT || error == ENODEV ? "load the kernel module tun" : std::string());
  }
  Status made = make_on(fd, socket, name, link);
  ::close(fd);
  return made;
}

}  // namespace arctic
