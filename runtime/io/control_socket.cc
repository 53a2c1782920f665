#include "runtime/io/control_socket.h"

#include <optional>

#include "runtime/io/sockets.h"

namespace arctic {
namespace {

using Options = ControlSocket::Options;

Task<bool> answer(const Options& options, Watched& socket, std::string line) {
  line += '\n';
  const bool sent = co_await write_all_to(socket, line, socket.loop().now() + options.patience);
  co_return sent;
}

/// Takes the first line out of `buffer`.
std::optional<std::string> take_line(std::string& buffer) {
  const std::size_t end = buffer.find('\n');
  if (end == std::string::npos || end > ControlSocket::kMaxLine) return std::nullopt;
  std::string line = buffer.substr(0, end);
  buffer.erase(0, end + 1);
  return line;
}

Task<void> converse(const Options& options, Watched& socket) {
  std::string buffer;
  for (;;) {
    if (auto line = take_line(buffer)) {
      const ControlSocket::Answer reply = co_await options.handle(std::move(*line));
      const bool sent = co_await answer(options, socket, reply.line);
      if (!sent || reply.close) co_return;
      continue;
    }
    if (buffer.size() > ControlSocket::kMaxLine) {
      [[maybe_unused]] const bool sent = co_await answer(options, socket, options.too_long);
      co_return;
    }
    const std::size_t room = ControlSocket::kMaxLine + 1 - buffer.size();
    const bool more = co_await read_some(socket, buffer, room, Watched::kForever);
    if (!more) co_return;
  }
}

void turn_away(const Options& options, Watched& socket) {
  (void)send_whole(socket, bytes_of(options.too_many + "\n"));
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::make(EventLoop& loop, Options options) {
  const auto shared = std::make_shared<const Options>(std::move(options));
  StreamServer::Options server;
  server.most = kMaxConnections;
  server.serve = [shared](Watched& socket) { return converse(*shared, socket); };
  server.full = [shared](Watched& socket) { turn_away(*shared, socket); };
  ARCTIC_TRY(auto socket, LocalSocket::make(loop, shared->path, std::move(server)));
  return std::unique_ptr<ControlSocket>(new ControlSocket(std::move(socket)));
}

}  // namespace arctic
