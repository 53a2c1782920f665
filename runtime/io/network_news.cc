#include "runtime/io/network_news.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "runtime/io/owned_fd.h"

namespace arctic {
namespace {

constexpr unsigned kGroups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

Result<OwnedFd> open_events() {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kGroups;
  if (!fd.valid() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(ErrorCode::kFailure, "netlink", errno_text(errno));
  }
  return fd;
}

/// Throws away what there is.
void drain(int fd) {
  std::array<char, 16384> event;
  for (;;) {
    const ssize_t got = ::recv(fd, event.data(), event.size(), 0);
    if (got == 0 || (got < 0 && errno != EINTR && errno != ENOBUFS)) return;
  }
}

}  // namespace

struct NetworkNews::State {
  std::unique_ptr<Watched> events;
  std::function<void()> changed;
};

Result<std::unique_ptr<NetworkNews>> NetworkNews::make(EventLoop& loop,
                                                       std::function<void()> changed) {
  ARCTIC_TRY(OwnedFd fd, open_events());
  auto state = std::make_shared<State>();
  ARCTIC_TRY(state->events, Watched::make(loop, fd.release()));
  state->changed = std::move(changed);
  start(follow(state));
  return std::unique_ptr<NetworkNews>(new NetworkNews(std::move(state)));
}

NetworkNews::~NetworkNews() { state_->events->cancel(); }

Task<void> NetworkNews::follow(std::shared_ptr<State> state) {
  for (;;) {
    const Wake wake = co_await state->events->readable();
    if (wake != Wake::kReady) co_return;
    drain(state->events->fd());
    state->events->drained();
    state->changed();
  }
}

}  // namespace arctic
