#include "runtime/tempest/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace arctic {
namespace {

constexpr std::size_t kEvents = 64;

// What an event is about: devices by their numbers, and above those the rest.
constexpr std::uint64_t kCalls = std::uint64_t{1} << 32;
constexpr std::uint64_t kUdp4 = kCalls + 1;
constexpr std::uint64_t kUdp6 = kCalls + 2;

Worker::Time boot_time() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Worker::Worker(Options options)
    : slot_(options.slot),
      control_(std::move(options.control)),
      out_(slot_, drops_, *control_),
      in_(
          slot_, options.own, std::move(options.indices),
          [this](std::uint32_t device) { return find(device); }, drops_, *control_) {}

Result<std::unique_ptr<Worker>> Worker::make(Options options) {
  std::unique_ptr<Worker> worker(new Worker(std::move(options)));
  worker->epoll_ = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
  worker->event_ = OwnedFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!worker->epoll_.valid() || !worker->event_.valid()) {
    return fail(ErrorCode::kFailure, "epoll", errno_text(errno));
  }
  ARCTIC_CHECK(worker->watch(worker->event_.get(), kCalls));
  return worker;
}

Status Worker::watch(int fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return fail(ErrorCode::kFailure, "epoll_ctl", errno_text(errno));
}

DeviceQueue* Worker::find(std::uint32_t device) {
  const auto found = devices_.find(device);
  return found == devices_.end() ? nullptr : found->second.get();
}

// ---- What it serves ----

Status Worker::use(const UdpPair* sockets) {
  sockets_ = sockets;
  if (sockets == nullptr) return {};  // those before are closed by whoever owns them
  if (sockets->four.valid()) ARCTIC_CHECK(watch(sockets->four.get(), kUdp4));
  if (sockets->six.valid()) ARCTIC_CHECK(watch(sockets->six.get(), kUdp6));
  return {};
}

Status Worker::add(DeviceQueue queue) {
  remove(queue.device);
  const std::uint32_t device = queue.device;
  auto owned = std::make_unique<DeviceQueue>(std::move(queue));
  ARCTIC_CHECK(watch(owned->tun.fd.get(), device));
  devices_[device] = std::move(owned);
  return {};
}

void Worker::remove(std::uint32_t device) {
  if (devices_.erase(device) > 0) in_.forget_device();
}

void Worker::set_table(std::uint32_t device, std::shared_ptr<const PeerTable> table) {
  if (DeviceQueue* const queue = find(device)) queue->table = std::move(table);
}

void Worker::set_mtu(std::uint32_t device, std::uint32_t mtu) {
  if (DeviceQueue* const queue = find(device)) queue->mtu = mtu;
}

void Worker::return_unreachable(std::uint32_t device, ByteView packet) {
  if (const DeviceQueue* const queue = find(device)) {
    out_.return_unreachable(*queue, packet, boot_time());
  }
}

// ---- The loop ----

void Worker::call(std::function<void()> what) {
  {
    const std::lock_guard lock(mutex_);
    called_.push_back(std::move(what));
  }
  const std::uint64_t one = 1;
  (void)!::write(event_.get(), &one, sizeof one);
}

void Worker::stop() {
  call([this] { stopping_ = true; });
}

void Worker::run_calls() {
  std::uint64_t count = 0;
  (void)!::read(event_.get(), &count, sizeof count);
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(called_);
  }
  for (const auto& each : calls) each();
}

void Worker::serve(std::uint64_t tag, Time now) {
  // An event of the same turn may be about what a call has just taken away.
  if (tag == kCalls) return run_calls();
  if (tag == kUdp4 || tag == kUdp6) {
    if (sockets_ == nullptr) return;
    const OwnedFd& fd = tag == kUdp4 ? sockets_->four : sockets_->six;
    if (fd.valid()) in_.receive(fd.get(), *sockets_, now);
    return;
  }
  const auto device = static_cast<std::uint32_t>(tag);
  DeviceQueue* const queue = find(device);
  if (queue == nullptr) return;
  const bool there =
      sockets_ != nullptr ? out_.drain(*queue, *sockets_, now) : out_.discard(*queue);
  if (there) return;
  remove(device);
  control_->gone(device);
}

void Worker::run() {
  std::array<epoll_event, kEvents> events;
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEvents, -1);
    const Time now = boot_time();
    for (int i = 0; i < count; ++i) serve(events[static_cast<std::size_t>(i)].data.u64, now);
  }
}

}  // namespace arctic
