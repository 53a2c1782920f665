#include "runtime/tempest/interface_server.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace arctic {
namespace {

constexpr const char* kFolder = "/var/run/wireguard/";
constexpr std::size_t kMostConnections = 64;
constexpr std::size_t kMostRequest = std::size_t{64} << 20;
constexpr std::chrono::seconds kLookEvery{1};
constexpr std::chrono::seconds kPatience{30};  // for an answer to be read

/// The end of the first request in `text`: behind its empty line.
std::size_t end_of_request(std::string_view text, std::size_t from) {
  const std::size_t start = from < 1 ? 0 : from - 1;
  const std::size_t at = text.find("\n\n", start);
  return at == std::string_view::npos ? at : at + 2;
}

Result<OwnedFd> link_news() {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                      RTMGRP_IPV6_ROUTE;
  if (!fd.valid() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(ErrorCode::kFailure, "netlink", errno_text(errno));
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<InterfaceServer>> InterfaceServer::make(Log& log, Options options) {
  std::unique_ptr<InterfaceServer> made(new InterfaceServer(log, std::move(options)));
  ARCTIC_CHECK(made->open());
  return made;
}

Status InterfaceServer::open() {
  ARCTIC_TRY(loop_, EventLoop::make());
  ARCTIC_TRY(interface_, Interface::make(*loop_, log_,
                                         {options_.name, options_.workers,
                                          [this] { end("the device is gone"); }}));
  StreamServer::Options server;
  server.most = kMostConnections;
  server.serve = [this](Watched& socket) { return converse(socket); };
  ARCTIC_TRY(socket_,
             LocalSocket::make(*loop_, kFolder + options_.name + ".sock", std::move(server)));
  ARCTIC_CHECK(open_events());
  arctic::start(look_about());
  return {};
}

Status InterfaceServer::open_events() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT}) sigaddset(&set, each);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::kFailure, "signalfd", errno_text(errno));
  ARCTIC_TRY(auto signals, Watched::make(*loop_, fd));
  arctic::start(take_signals(std::move(signals)));
  ARCTIC_TRY(OwnedFd news_fd, link_news());
  ARCTIC_TRY(auto news, Watched::make(*loop_, news_fd.release()));
  arctic::start(take_news(std::move(news)));
  return {};
}

void InterfaceServer::end(const char* why) {
  if (std::exchange(ending_, true)) return;
  log_.say(LogLevel::kInfo, "ending", {{"reason", why}});
  loop_->stop();
}

Task<void> InterfaceServer::take_signals(std::unique_ptr<Watched> signals) {
  const Wake wake = co_await signals->readable();
  if (wake == Wake::kReady) {
    signalfd_siginfo info{};
    if (::read(signals->fd(), &info, sizeof info) == sizeof info) co_return end("asked to");
    signals->drained();
    const Wake again = co_await signals->readable();
    if (again == Wake::kReady) end("asked to");
  }
}

Task<void> InterfaceServer::take_news(std::unique_ptr<Watched> news) {
  std::array<char, 16384> bytes;
  for (;;) {
    const Wake wake = co_await news->readable();
    if (wake != Wake::kReady) co_return;
    const ssize_t got = ::recv(news->fd(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) {
      news->drained();
      continue;
    }
    // What it says is asked anew: of lost news there is no list.
    interface_->forget_local_addresses();
    if (!interface_->look()) co_return end("the device is gone");
  }
}

Task<void> InterfaceServer::look_about() {
  while (!ending_) {
    if (!interface_->look()) co_return end("the device is gone");
    if (!socket_->is_in_place()) co_return end("the socket was taken away");
    co_await loop_->sleep_until(loop_->now() + kLookEvery);
  }
}

Task<void> InterfaceServer::converse(Watched& socket) {
  std::string buffer;
  std::size_t looked = 0;
  for (;;) {
    const std::size_t end = end_of_request(buffer, looked);
    if (end != std::string::npos) {
      std::string reply = answer(std::string_view(buffer).substr(0, end));
      wipe(buffer.data(), end);  // keys may be in it
      buffer.erase(0, end);
      looked = 0;
      const bool sent = co_await write_all_to(socket, reply, loop_->now() + kPatience);
      wipe(reply.data(), reply.size());
      if (!sent) co_return;
      continue;
    }
    looked = buffer.size();
    if (buffer.size() > kMostRequest) co_return;
    const bool more = co_await read_some(socket, buffer, kMostRequest, Watched::kForever);
    if (!more) break;
  }
  wipe(buffer.data(), buffer.size());
}

std::string InterfaceServer::answer(std::string_view request) {
  const auto failure = [](int error) { return "errno=" + std::to_string(-error) + "\n\n"; };
  if (request == "get=1\n\n") return interface_->get();
  constexpr std::string_view kSet = "set=1\n";
  if (!request.starts_with(kSet)) return failure(EPROTO);
  request.remove_prefix(kSet.size());
  auto change = parse_uapi_change(request.substr(0, request.size() - 1));
  if (!change) return failure(EINVAL);
  return failure(interface_->set(std::move(*change)));
}

void InterfaceServer::run() { loop_->run(); }

InterfaceServer::~InterfaceServer() {
  socket_.reset();
  if (loop_) (void)loop_->wind_up();
  interface_.reset();
}

}  // namespace arctic
