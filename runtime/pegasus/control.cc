// Lines of the control socket: which method each asks for, and what is answered.
#include <unistd.h>

#include "runtime/pegasus/server.h"

namespace arctic {
namespace {

template <class T>
std::string text_of(const std::string& id, const tl::expected<T, ControlError>& outcome) {
  return outcome ? encode_answer(id, *outcome) : encode_error(id, outcome.error());
}

/// One call for each method of the socket.
struct Methods {
  Server& server;
  const std::string& id;

  std::string operator()(const ControlRequest::Hello&) const {
    return encode_answer(id, server.hello());
  }
  std::string operator()(const ControlRequest::Prepare& request) const {
    return text_of(id, server.prepare(request));
  }
  std::string operator()(const ControlRequest::Commit& request) const {
    return text_of(id, server.commit(request));
  }
  std::string operator()(const ControlRequest::Retire& request) const {
    return text_of(id, server.retire(request));
  }
  std::string operator()(const ControlRequest::Abort& request) const {
    return text_of(id, server.abort(request));
  }
  std::string operator()(const ControlRequest::Load& request) const {
    return text_of(id, server.load(request.path));
  }
  std::string operator()(const ControlRequest::Status&) const {
    return encode_answer(id, server.status());
  }
  std::string operator()(const ControlRequest::Connections& request) const {
    return text_of(id, server.connections(request));
  }
  std::string operator()(const ControlRequest::Drain& request) const {
    return text_of(id, server.drain(std::chrono::seconds(request.seconds)));
  }
};

}  // namespace

Task<ControlSocket::Answer> Server::answer(std::string line) {
  const auto request = decode_control_request(line);
  if (!request) {
    const ControlRejection& rejection = request.error();
    co_return ControlSocket::Answer{encode_error(rejection.id, rejection.error), rejection.close};
  }
  co_return ControlSocket::Answer{std::visit(Methods{*this, request->id}, request->call), false};
}

HelloResult Server::hello() const {
  return {"pegasus",
          options_.version,
          kControlProtocol,
          static_cast<std::uint32_t>(::getpid()),
          current_.running->config().node,
          shared_.sessions.own().point};
}

}  // namespace arctic
