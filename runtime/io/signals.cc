#include "runtime/io/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace arctic {

struct Signals::State {
  std::unique_ptr<Watched> source;
  Take take;
};

Result<std::unique_ptr<Signals>> Signals::make(EventLoop& loop, std::initializer_list<int> signals,
                                               Take take) {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : signals) sigaddset(&set, each);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::kFailure, "signalfd", errno_text(errno));
  auto state = std::make_shared<State>();
  ARCTIC_TRY(state->source, Watched::make(loop, fd));
  state->take = std::move(take);
  start(follow(state));
  return std::unique_ptr<Signals>(new Signals(std::move(state)));
}

Signals::~Signals() { state_->source->cancel(); }

Task<void> Signals::follow(std::shared_ptr<State> state) {
  for (;;) {
    const Wake wake = co_await state->source->readable();
    if (wake != Wake::kReady) co_return;
    signalfd_siginfo info{};
    if (::read(state->source->fd(), &info, sizeof info) == sizeof info) {
      state->take(info.ssi_signo);
    } else if (errno == EAGAIN) {
      state->source->drained();
    }
  }
}

}  // namespace arctic
