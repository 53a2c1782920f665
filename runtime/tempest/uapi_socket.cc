#include "runtime/tempest/uapi_socket.h"

#include <cerrno>
#include <utility>

#include "runtime/crypto/keys.h"

namespace arctic {
namespace {

using Handler = UapiSocket::Handler;

constexpr const char* kFolder = "/var/run/wireguard/";
constexpr std::size_t kMostConnections = 64;
constexpr std::size_t kMostRequest = std::size_t{64} << 20;
constexpr std::chrono::seconds kPatience{30};  // for an answer to be read

/// The end of the first request in `text`: behind its empty line. Nothing before `from` is one.
std::size_t end_of_request(std::string_view text, std::size_t from) {
  const std::size_t at = text.find("\n\n", from == 0 ? 0 : from - 1);
  return at == std::string_view::npos ? at : at + 2;
}

std::string answer(const Handler& handler, std::string_view request) {
  // Negative, as wg takes it for its message.
  const auto outcome = [](int error) { return "errno=" + std::to_string(-error) + "\n\n"; };
  if (request == "get=1\n\n") return handler.get();
  constexpr std::string_view kSet = "set=1\n";
  if (!request.starts_with(kSet)) return outcome(EPROTO);
  if (!handler.set) return outcome(EPERM);
  request.remove_prefix(kSet.size());
  auto change = parse_uapi_change(request.substr(0, request.size() - 1));
  if (!change) return outcome(EINVAL);
  return outcome(handler.set(std::move(*change)));
}

/// Keys are in what is said.
void wipe_text(std::string& text) { wipe(text.data(), text.size()); }

Task<void> converse(std::shared_ptr<const Handler> handler, Watched& socket) {
  std::string buffer;
  std::size_t looked = 0;
  for (;;) {
    const std::size_t end = end_of_request(buffer, looked);
    if (end != std::string::npos) {
      std::string reply = answer(*handler, std::string_view(buffer).substr(0, end));
      wipe(buffer.data(), end);
      buffer.erase(0, end);
      looked = 0;
      const bool sent = co_await write_all_to(socket, reply, socket.loop().now() + kPatience);
      wipe_text(reply);
      if (!sent) break;
      continue;
    }
    looked = buffer.size();
    if (buffer.size() > kMostRequest) break;
    const bool more = co_await read_some(socket, buffer, kMostRequest, Watched::kForever);
    if (!more) break;
  }
  wipe_text(buffer);
}

}  // namespace

Result<std::unique_ptr<UapiSocket>> UapiSocket::make(EventLoop& loop, const std::string& root,
                                                     const std::string& name, Handler handler) {
  const auto shared = std::make_shared<const Handler>(std::move(handler));
  StreamServer::Options server;
  server.most = kMostConnections;
  server.serve = [shared](Watched& socket) { return converse(shared, socket); };
  ARCTIC_TRY(auto socket,
             LocalSocket::make(loop, root + kFolder + name + ".sock", std::move(server)));
  return std::unique_ptr<UapiSocket>(new UapiSocket(std::move(socket)));
}

}  // namespace arctic
