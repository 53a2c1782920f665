// Loaded before a program's own libraries, makes the kernel one that lacks some offloads: what they
// are asked for by is refused as an older kernel refuses it.
//
// ARCTIC_OLD_KERNEL names them, with commas: uso, tso, gro, gso. For tests alone.
#include <dlfcn.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace {

constexpr unsigned long kUso = 0x20 | 0x40;

bool lacks(const char* name) {
  const char* const list = std::getenv("ARCTIC_OLD_KERNEL");
  return list != nullptr && std::strstr(list, name) != nullptr;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  if (level == IPPROTO_UDP && name == UDP_GRO && lacks("gro")) {
    errno = ENOPROTOOPT;
    return -1;
  }
  return real<int(int, int, int, const void*, socklen_t)>("setsockopt")(fd, level, name, value,
                                                                        size);
}

/// A way out without checksum offload says EIO.
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  auto* const header = const_cast<msghdr*>(message);
  for (cmsghdr* head = CMSG_FIRSTHDR(header); head != nullptr && lacks("gso");
       head = CMSG_NXTHDR(header, head)) {
    if (head->cmsg_level == IPPROTO_UDP && head->cmsg_type == UDP_SEGMENT) {
      errno = EIO;
      return -1;
    }
  }
  return real<ssize_t(int, const msghdr*, int)>("sendmsg")(fd, message, flags);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request == TUNSETOFFLOAD) {
    const auto wanted = reinterpret_cast<unsigned long>(argument);
    if (((wanted & kUso) != 0 && lacks("uso")) ||
        ((wanted & (TUN_F_TSO4 | TUN_F_TSO6)) != 0 && lacks("tso"))) {
      errno = EINVAL;
      return -1;
    }
  }
  return real<int(int, unsigned long, void*)>("ioctl")(fd, request, argument);
}

}  // extern "C"
