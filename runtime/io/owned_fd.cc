#include "runtime/io/owned_fd.h"

#include <unistd.h>

namespace arctic {

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

}  // namespace arctic
