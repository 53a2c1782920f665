#include "runtime/tempest/interface_server.h"

#include <csignal>
#include <utility>

namespace arctic {
namespace {

// What the device says of itself comes as news only where the device is.
constexpr std::chrono::seconds kLookEvery{1};

}  // namespace

Result<std::unique_ptr<InterfaceServer>> InterfaceServer::make(Log& log, Options options) {
  std::unique_ptr<InterfaceServer> made(new InterfaceServer(log, std::move(options)));
  ARCTIC_CHECK(made->open());
  return made;
}

Status InterfaceServer::open() {
  ARCTIC_TRY(loop_, EventLoop::make());
  ARCTIC_TRY(interface_,
             WireguardInterface::make(*loop_, log_, {options_.name, options_.workers, [this] {
                                                       end("the device is gone");
                                                     }}));
  ARCTIC_TRY(
      socket_,
      UapiSocket::make(*loop_, {}, options_.name,
                       {[this] { return interface_->get(); },
                        [this](UapiChange change) { return interface_->set(std::move(change)); }}));
  ARCTIC_TRY(signals_,
             Signals::make(*loop_, {SIGTERM, SIGINT}, [this](std::uint32_t) { end("asked to"); }));
  ARCTIC_TRY(news_, NetworkNews::make(*loop_, [this] {
               interface_->forget_local_addresses();
               if (!interface_->look()) end("the device is gone");
             }));
  arctic::start(look_about());
  return {};
}

void InterfaceServer::end(const char* why) {
  if (std::exchange(ending_, true)) return;
  log_.say(LogLevel::kInfo, "ending", {{"reason", why}});
  loop_->stop();
}

Task<void> InterfaceServer::look_about() {
  while (!ending_) {
    if (!interface_->look()) co_return end("the device is gone");
    if (!socket_->is_in_place()) co_return end("the socket was taken away");
    co_await loop_->sleep_until(loop_->now() + kLookEvery);
  }
}

void InterfaceServer::run() { loop_->run(); }

InterfaceServer::~InterfaceServer() {
  socket_.reset();
  news_.reset();
  signals_.reset();
  if (loop_) (void)loop_->wind_up();
  interface_.reset();
}

}  // namespace arctic
