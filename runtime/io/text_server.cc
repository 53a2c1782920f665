#include "runtime/io/text_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <string_view>

namespace arctic {
namespace {

using Options = TextServer::Options;

constexpr std::string_view kType = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";

std::string response(std::string_view status, std::string_view headers, std::string_view body) {
  std::string out = "HTTP/1.1 ";
  out += status;
  out += "\r\n";
  out += headers;
  out += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
  out += body;
  return out;
}

std::string complaint(std::string_view status, std::string_view headers = {}) {
  return response(status, std::string(kType) + std::string(headers), std::string(status) + "\n");
}

/// The next word up to a space.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

std::string answer_to(const Options& options, std::string_view head) {
  std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const std::string_view method = take_word(line);
  const std::string_view target = take_word(line);
  if (method.empty() || target.empty() || line.substr(0, 7) != "HTTP/1.") {
    return complaint("400 Bad Request");
  }
  if (method != "GET") return complaint("405 Method Not Allowed", "Allow: GET\r\n");
  if (target.substr(0, target.find('?')) != "/metrics") return complaint("404 Not Found");
  return response("200 OK", kType, options.body());
}

bool is_whole(std::string_view head) {
  return head.find("\r\n\r\n") != std::string_view::npos ||
         head.find("\n\n") != std::string_view::npos;
}

/// A close with bytes unread would be a reset, which may overtake the answer: reads what still
/// comes, for a moment and not without end.
Task<void> part(Watched& socket, Watched::Time deadline) {
  constexpr std::size_t kMostUnread = 64U << 10;
  ::shutdown(socket.fd(), SHUT_WR);
  std::string unread;
  bool more = true;
  while (more && unread.size() < kMostUnread) {
    more = co_await read_some(socket, unread, kMostUnread, deadline);
  }
}

Task<void> serve(const Options& options, Watched& socket) {
  std::string head;
  const Watched::Time deadline = socket.loop().now() + options.patience;
  while (!is_whole(head) && head.size() < TextServer::kMaxHead) {
    const std::size_t room = TextServer::kMaxHead - head.size();
    const bool more = co_await read_some(socket, head, room, deadline);
    if (!more) co_return;
  }
  const std::string text =
      is_whole(head) ? answer_to(options, head) : complaint("431 Request Header Fields Too Large");
  const Watched::Time end = socket.loop().now() + options.patience;
  const bool sent = co_await write_all_to(socket, text, end);
  if (sent) co_await part(socket, end);
}

}  // namespace

Result<std::unique_ptr<TextServer>> TextServer::make(EventLoop& loop, Options options) {
  ARCTIC_TRY(const int fd, listen_tcp(options.where, {.transparent = false, .shared = false}));
  const SocketAddress where = local_address(fd).value_or(options.where);
  const auto shared = std::make_shared<const Options>(std::move(options));
  StreamServer::Options server;
  server.most = kMaxConnections;
  server.serve = [shared](Watched& socket) { return serve(*shared, socket); };
  std::unique_ptr<TextServer> made(new TextServer(where));
  ARCTIC_TRY(made->server_, StreamServer::make(loop, fd, std::move(server)));
  return made;
}

}  // namespace arctic
