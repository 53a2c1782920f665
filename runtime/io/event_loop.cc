#include "runtime/io/event_loop.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace arctic {
namespace {

constexpr int kRead = 0;
constexpr int kWrite = 1;
constexpr std::size_t kEventsAtOnce = 256;

EventLoop::Time clock_now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

tl::unexpected<Error> system_failure(const char* call) {
  return fail(ErrorCode::kFailure, call, errno_text(errno));
}

}  // namespace

// ---- Watched ----

Watched::Watched(EventLoop& loop, int fd) : loop_(loop), after_(loop.watched_), fd_(fd) {
  if (after_ != nullptr) after_->before_ = this;
  loop.watched_ = this;
}

Result<std::unique_ptr<Watched>> Watched::make(EventLoop& loop, int fd, Mode mode) {
  std::unique_ptr<Watched> watched(new Watched(loop, fd));
  if (mode == Mode::kUnknown) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return system_failure("fcntl");
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = watched.get();
  if (::epoll_ctl(loop.epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return system_failure("epoll_ctl");
  return watched;
}

Watched::~Watched() {
  cancel();
  loop_.gone_.push_back(this);
  (before_ != nullptr ? before_->after_ : loop_.watched_) = after_;
  if (after_ != nullptr) after_->before_ = before_;
  ::close(fd_);
}

void Watched::nudge() {
  if (sides_[kRead].wait == nullptr) {
    nudged_ = true;
  } else {
    wake(kRead, Wake::kReady);
  }
}

void Watched::cancel() {
  cancelled_ = true;
  wake(kRead, Wake::kClosed);
  wake(kWrite, Wake::kClosed);
}

void Watched::wake(int side, Wake how) {
  Side& at = sides_[side];
  if (at.wait == nullptr) return;
  if (at.timed) loop_.forget(at.timer);
  at.timed = false;
  std::exchange(at.wait, nullptr)->result_ = how;
  loop_.resume_soon(std::exchange(at.waiting, nullptr));
}

bool Watched::Wait::await_ready() {
  if (watched_.cancelled_) {
    result_ = Wake::kClosed;
    return true;
  }
  if (!write_ && std::exchange(watched_.nudged_, false)) return true;
  return watched_.ready_[write_ ? kWrite : kRead];
}

void Watched::Wait::await_suspend(std::coroutine_handle<> waiting) {
  const int side = write_ ? kWrite : kRead;
  Side& at = watched_.sides_[side];
  at.waiting = waiting;
  at.wait = this;
  if (deadline_ == kForever) return;
  at.timed = true;
  at.timer = watched_.loop_.at(deadline_, [watched = &watched_, side] {
    watched->sides_[side].timed = false;  // the loop has taken the timer out
    watched->wake(side, Wake::kTimeout);
  });
}

Wake Watched::Wait::await_resume() { return result_; }

// ---- EventLoop ----

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  loop->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (loop->epoll_ < 0) return system_failure("epoll_create1");
  loop->event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (loop->event_ < 0) return system_failure("eventfd");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (::epoll_ctl(loop->epoll_, EPOLL_CTL_ADD, loop->event_, &event) != 0) {
    return system_failure("epoll_ctl");
  }
  loop->now_ = clock_now();
  return loop;
}

EventLoop::~EventLoop() {
  if (epoll_ >= 0) ::close(epoll_);
  if (event_ >= 0) ::close(event_);
}

void EventLoop::run() {
  stopping_ = false;
  cpu_policy_.begin(clock_now());
  while (!stopping_) turn();
  cpu_policy_.end();
}

void EventLoop::stop() {
  post([this] { stopping_ = true; });
}

bool EventLoop::wind_up() {
  winding_up_ = true;
  constexpr int kMostRounds = 100;
  for (int i = 0; i < kMostRounds; ++i) {
    if (watched_ == nullptr && timers_.empty() && ready_.empty() && later_.empty()) return true;
    for (Watched* each = watched_; each != nullptr; each = each->after_) each->cancel();
    turn();
  }
  return false;
}

void EventLoop::post(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(call));
    if (posted_.size() > 1) return;  // whoever came first has rung
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_, &one, sizeof one);
}

EventLoop::Timers::iterator EventLoop::at(Time when, std::function<void()> call) {
  return timers_.emplace(when, std::move(call));
}

void EventLoop::Sleep::await_suspend(std::coroutine_handle<> waiting) {
  loop_.at(until_, [loop = &loop_, waiting] { loop->resume_soon(waiting); });
}

// ---- CpuPolicy ----

void EventLoop::CpuPolicy::begin(Time now) {
  since_ = now;
  // Whoever had us started with another policy meant it.
  ours_ = ::sched_getscheduler(0) == SCHED_OTHER;
}

void EventLoop::CpuPolicy::turn(int events, Time now) {
  constexpr unsigned kTurns = 32;
  constexpr unsigned kMany = 2 * kTurns;
  constexpr unsigned kFew = kTurns + kTurns / 2;
  constexpr std::chrono::milliseconds kLong{100};
  events_ += static_cast<unsigned>(std::max(events, 0));
  const bool slow = now - since_ > kLong;
  if (++turns_ < kTurns && !slow) return;
  become(!slow && events_ >= (batch_ ? kFew : kMany));
  turns_ = events_ = 0;
  since_ = now;
}

void EventLoop::CpuPolicy::become(bool batch) {
  if (batch == batch_ || !ours_) return;
  const sched_param none{};
  ours_ = ::sched_setscheduler(0, batch ? SCHED_BATCH : SCHED_OTHER, &none) == 0;
  batch_ = batch;
}

void EventLoop::turn() {
  std::array<epoll_event, kEventsAtOnce> events;
  gone_.clear();  // what went before this call cannot be among its events
  const int count =
      ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms());
  now_ = clock_now();
  cpu_policy_.turn(count, now_);
  for (int i = 0; i < count; ++i) {
    auto* watched = static_cast<Watched*>(events[static_cast<std::size_t>(i)].data.ptr);
    const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
    if (watched == nullptr) {
      run_posted();
      continue;
    }
    if (std::find(gone_.begin(), gone_.end(), watched) != gone_.end()) continue;
    if ((what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) watched->hung_up_ = true;
    if ((what & EPOLLERR) != 0 && watched->watcher_ != nullptr) watched->watcher_->failed(*watched);
    const bool readable = (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (readable) {
      watched->ready_[kRead] = true;
      watched->wake(kRead, Wake::kReady);
    }
    if ((what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
      watched->ready_[kWrite] = true;
      watched->wake(kWrite, Wake::kReady);
    }
    // Last: it may be gone after that.
    if (readable && watched->watcher_ != nullptr) watched->watcher_->heard(*watched);
  }
  run_timers();
  // Those that made way come last.
  ready_.insert(ready_.end(), later_.begin(), later_.end());
  later_.clear();
  run_ready();
}

void EventLoop::run_ready() {
  // What a coroutine makes ready runs in this turn too, after those that were ready before.
  for (std::size_t i = 0; i < ready_.size(); ++i) ready_[i].resume();
  ready_.clear();
}

void EventLoop::run_timers() {
  // Winding up, each runs out once a turn, also one that sets itself again.
  for (std::size_t most = winding_up_ ? timers_.size() : SIZE_MAX; most > 0; --most) {
    if (timers_.empty() || (!winding_up_ && timers_.begin()->first > now_)) return;
    const auto call = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    call();
  }
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = ::read(event_, &count, sizeof count);
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(posted_);
  }
  for (const auto& call : calls) call();
}

int EventLoop::timeout_ms() const {
  if (winding_up_ || !ready_.empty() || !later_.empty()) return 0;
  if (timers_.empty()) return -1;
  const Time left = timers_.begin()->first - clock_now();
  if (left <= Time::zero()) return 0;
  constexpr std::int64_t kLongest = 60'000;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(ms, kLongest));
}

}  // namespace arctic
