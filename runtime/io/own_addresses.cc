#include "runtime/io/own_addresses.h"

#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "runtime/io/owned_fd.h"
#include "runtime/io/sockets.h"

namespace arctic {
namespace {

constexpr std::chrono::milliseconds kPause{50};

tl::unexpected<Error> failure(const char* call) {
  return fail(ErrorCode::kFailure, "the node's addresses",
              std::string(call) + ": " + errno_text(errno));
}

Result<OwnedFd> open_events() {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return failure("socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failure("bind");
  }
  return fd;
}

/// Throws away what there is; ENOBUFS, events that were lost, is one more reason to look. False if
/// the socket is of no use any more.
bool drain(int fd) {
  std::array<char, 8192> event;
  for (;;) {
    const ssize_t got = ::recv(fd, event.data(), event.size(), 0);
    if (got == 0 || (got < 0 && errno == EAGAIN)) return true;
    if (got < 0 && errno != EINTR && errno != ENOBUFS) return false;
  }
}

}  // namespace

Result<std::vector<Address>> read_own_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return failure("getifaddrs");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, ::freeifaddrs);
  std::vector<Address> out;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    if (const auto parsed = RawAddress(*each->ifa_addr).parse()) out.push_back(parsed->address);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

struct OwnAddresses::State {
  EventLoop& loop;
  Changed changed;
  std::unique_ptr<Watched> events;
  std::vector<Address> addresses;
  EventLoop::Time earliest{};  ///< of the next reading
  std::optional<EventLoop::Timers::iterator> timer;

  void look() {
    earliest = loop.now() + kPause;
    auto read = read_own_addresses();
    // The old list is better than none; look again, in case no event comes any more.
    if (!read) return look_at(earliest);
    if (*read == addresses) return;
    addresses = std::move(*read);
    changed(addresses);
  }
  void look_at(EventLoop::Time when) {
    if (timer) return;
    timer = loop.at(when, [this] {
      timer.reset();
      look();
    });
  }
};

Task<void> OwnAddresses::follow(std::shared_ptr<State> state) {
  for (;;) {
    const Wake wake = co_await state->events->readable();
    if (wake != Wake::kReady || !drain(state->events->fd())) co_return;
    state->events->drained();
    state->look_at(state->earliest);
  }
}

Result<std::unique_ptr<OwnAddresses>> OwnAddresses::make(EventLoop& loop, Changed changed) {
  ARCTIC_TRY(OwnedFd fd, open_events());  // before the first reading, so that nothing is missed
  const auto state = std::make_shared<State>(State{loop, std::move(changed), {}, {}, {}, {}});
  ARCTIC_TRY(state->events, Watched::make(loop, fd.release()));
  ARCTIC_TRY(state->addresses, read_own_addresses());
  start(follow(state));
  return std::unique_ptr<OwnAddresses>(new OwnAddresses(state));
}

OwnAddresses::~OwnAddresses() {
  if (state_->timer) state_->loop.forget(*state_->timer);
  state_->timer.reset();
  state_->events->cancel();
}

const std::vector<Address>& OwnAddresses::now() const { return state_->addresses; }

}  // namespace arctic
