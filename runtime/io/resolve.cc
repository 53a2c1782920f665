#include "runtime/io/resolve.h"

#include <netdb.h>

#include <memory>
#include <thread>

#include "runtime/io/sockets.h"

namespace arctic {
namespace {

Result<Address> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
    return fail(ErrorCode::kUnreachable, host, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (const auto parsed = RawAddress(*each->ai_addr).parse()) return parsed->address;
  }
  return fail(ErrorCode::kUnreachable, host, "has no address");
}

struct LookUp {
  EventLoop& loop;
  const std::string& host;
  Result<Address> result = Address{};

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    std::thread([this, waiting] {
      result = look_up(host);
      loop.post([waiting] { waiting.resume(); });
    }).detach();
  }
  Result<Address> await_resume() { return std::move(result); }
};

}  // namespace

Task<Result<Address>> resolve(EventLoop& loop, std::string host) {
  if (const auto address = parse_address(host)) co_return *address;
  co_return co_await LookUp{loop, host};
}

}  // namespace arctic
