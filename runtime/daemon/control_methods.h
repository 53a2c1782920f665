// Lines of the control socket: which method each asks for, and what is answered.
//
// Both runtimes answer with it; a Server has a function for each method, which says what came of
// it.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "runtime/io/control_socket.h"
#include "schema/artifact/control.h"

namespace arctic {

template <class T>
[[nodiscard]] std::string control_text(const std::string& id,
                                       const tl::expected<T, ControlError>& outcome) {
  return outcome ? encode_answer(id, *outcome) : encode_error(id, outcome.error());
}

/// One call for each method of the socket.
template <class Server>
struct ControlMethods {
  Server& server;
  const std::string& id;

  std::string operator()(const ControlRequest::Hello&) const {
    return encode_answer(id, server.hello());
  }
  std::string operator()(const ControlRequest::Prepare& request) const {
    return control_text(id, server.prepare(request));
  }
  std::string operator()(const ControlRequest::Commit& request) const {
    return control_text(id, server.commit(request));
  }
  std::string operator()(const ControlRequest::Retire& request) const {
    return control_text(id, server.retire(request));
  }
  std::string operator()(const ControlRequest::Abort& request) const {
    return control_text(id, server.abort(request));
  }
  std::string operator()(const ControlRequest::Load& request) const {
    return control_text(id, server.load(request.path));
  }
  std::string operator()(const ControlRequest::Status&) const {
    return encode_answer(id, server.status());
  }
  std::string operator()(const ControlRequest::Connections& request) const {
    return control_text(id, server.connections(request));
  }
  std::string operator()(const ControlRequest::Drain& request) const {
    return control_text(id, server.drain(std::chrono::seconds(request.seconds)));
  }
};

template <class Server>
[[nodiscard]] ControlSocket::Answer answer_control(Server& server, const std::string& line) {
  const auto request = decode_control_request(line);
  if (!request) {
    const ControlRejection& rejection = request.error();
    return {encode_error(rejection.id, rejection.error), rejection.close};
  }
  return {std::visit(ControlMethods<Server>{server, request->id}, request->call), false};
}

}  // namespace arctic
