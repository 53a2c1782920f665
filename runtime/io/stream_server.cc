#include "runtime/io/stream_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "runtime/io/sockets.h"

namespace arctic {

struct StreamServer::State {
  Options options;
  std::unique_ptr<Watched> listener;
  std::set<Watched*> open;
};

Result<std::unique_ptr<StreamServer>> StreamServer::make(EventLoop& loop, int listener,
                                                         Options options) {
  auto state = std::make_shared<State>();
  state->options = std::move(options);
  ARCTIC_TRY(state->listener, Watched::make(loop, listener));
  start(accept(state));
  return std::unique_ptr<StreamServer>(new StreamServer(std::move(state)));
}

StreamServer::~StreamServer() {
  state_->listener->cancel();
  for (Watched* each : state_->open) each->cancel();
}

Task<void> StreamServer::accept(std::shared_ptr<State> state) {
  co_await accept_each(*state->listener,
                       [&state](std::unique_ptr<Watched> socket, const SocketAddress&) {
                         if (state->open.size() < state->options.most) {
                           start(serve(state, std::move(socket)));
                         } else if (state->options.full) {
                           state->options.full(*socket);
                         }
                       });
}

Task<void> StreamServer::serve(std::shared_ptr<State> state, std::unique_ptr<Watched> socket) {
  state->open.insert(socket.get());
  co_await state->options.serve(*socket);
  state->open.erase(socket.get());
}

Task<bool> write_all_to(Watched& socket, std::string_view text, Watched::Time deadline) {
  while (!text.empty()) {
    const Wake wake = co_await socket.writable(deadline);
    if (wake != Wake::kReady) co_return false;
    const ssize_t sent = ::send(socket.fd(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      socket.full();
    } else if (errno != EINTR) {
      co_return false;
    }
  }
  co_return true;
}

Task<bool> read_some(Watched& socket, std::string& buffer, std::size_t most,
                     Watched::Time deadline) {
  std::array<char, 4096> piece;
  for (;;) {
    const Wake wake = co_await socket.readable(deadline);
    if (wake != Wake::kReady) co_return false;
    const ssize_t got = ::recv(socket.fd(), piece.data(), std::min(most, piece.size()), 0);
    if (got > 0) {
      buffer.append(piece.data(), static_cast<std::size_t>(got));
      co_return true;
    }
    if (got == 0) co_return false;
    if (errno == EAGAIN) {
      socket.drained();
    } else if (errno != EINTR) {
      co_return false;
    }
  }
}

}  // namespace arctic
