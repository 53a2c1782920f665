// What the control socket answers of itself.
#include <unistd.h>

#include "runtime/daemon/control_methods.h"
#include "runtime/pegasus/server.h"

namespace arctic {

Task<ControlSocket::Answer> Server::answer(std::string line) {
  co_return answer_control(*this, line);
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
